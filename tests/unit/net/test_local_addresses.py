"""Which candidates an answer carries."""

from __future__ import annotations

import ipaddress

from stentor.net.local_addresses import candidates


def test_public_addresses_replace_all_others():
    assert candidates(("0.0.0.0", 8081), ["203.0.113.1", "2001:db8::1"]) == (
        ("203.0.113.1", 8081),
        ("2001:db8::1", 8081),
    )


def test_a_bound_address_is_the_only_candidate():
    assert candidates(("127.0.0.1", 9), []) == (("127.0.0.1", 9),)
    assert candidates(("::1", 9), []) == (("::1", 9),)


def test_a_port_on_every_ipv4_address_has_all_of_them_and_loopback_last():
    ips = [ipaddress.ip_address(host) for host, port in candidates(("0.0.0.0", 9), []) if port == 9]
    assert ipaddress.ip_address("127.0.0.1") in ips
    assert all(ip.version == 4 for ip in ips)
    assert [ip.is_loopback for ip in ips] == sorted(ip.is_loopback for ip in ips)


def test_a_dual_stack_port_has_both_families_without_zones():
    ips = [ipaddress.ip_address(host) for host, _ in candidates(("::", 9), [])]
    assert {ip.version for ip in ips} >= {4}
    assert not any(ip.is_link_local for ip in ips)
    assert len(ips) == len(set(ips))
