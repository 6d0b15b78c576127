from __future__ import annotations

import json
import re

import pytest
from aiohttp import web

from stentor.gateway.problems import KINDS, ProblemError, problem_from, problem_response


@pytest.mark.parametrize("slug", KINDS)
def test_every_problem_is_complete_and_readable_from_any_origin(slug: str) -> None:
    response = problem_response(ProblemError(slug, "Why.", headers={"Retry-After": "1"}))
    status, title = KINDS[slug]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert isinstance(response.body, bytes)
    expected = {"type": f"urn:stentor:problem:{slug}", "title": title, "status": status, "detail": "Why."}
    assert json.loads(response.body) == expected
    assert (response.status, response.content_type) == (status, "application/problem+json")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (web.HTTPNotFound(), "not-found"),
        (web.HTTPRequestEntityTooLarge(1), "too-large"),
        (web.HTTPExpectationFailed(), "expectation-failed"),
        (web.HTTPNotAcceptable(), "bad-request"),
        (web.HTTPBadGateway(), "internal"),
    ],
)
def test_what_the_framework_raises_is_a_problem_of_ours(error: web.HTTPException, slug: str) -> None:
    assert problem_from(error).slug == slug


def test_allowed_methods_are_kept() -> None:
    assert problem_from(web.HTTPMethodNotAllowed("PUT", ["GET"])).headers == {"Allow": "GET"}
