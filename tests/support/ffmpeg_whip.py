"""FFmpeg's `whip` muxer as a host, through PyAV. Run as a program: in a thread of another one it hangs.

usage: python ffmpeg_whip.py WHIP_URL HOST_KEY WAV SECONDS
"""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RATE = 48000  # Hz


def main(url: str, key: str, wav: str, seconds: float) -> None:
    """Send the file, again and again, in real time."""
    with TemporaryDirectory() as directory:
        certificate, private_key = write_identity(Path(directory))
        options = {"authorization": key, "cert_file": str(certificate), "key_file": str(private_key)}
        with av.open(url, "w", format="whip", options=options) as output:
            stream = output.add_stream("libopus", rate=RATE, layout="stereo")
            stream.bit_rate = 64000
            send(output, stream, wav, seconds)


def send(output: av.container.OutputContainer, stream: av.AudioStream, wav: str, seconds: float) -> None:
    """Encode and send each frame when its time has come."""
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE, frame_size=960)
    began = time.monotonic()
    sent = 0
    while sent < seconds * RATE:
        with av.open(wav) as source:
            for decoded in source.decode(audio=0):
                for frame in resampler.resample(decoded):
                    frame.pts = sent
                    sent += frame.samples
                    output.mux(stream.encode(frame))
                    time.sleep(max(0.0, began + sent / RATE - time.monotonic()))
                if sent >= seconds * RATE:
                    return


def write_identity(directory: Path) -> tuple[Path, Path]:
    """A P-256 certificate and key as PEM files: the muxer's own secp224r1 is refused by OpenSSL 4."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ffmpeg")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = directory / "cert.pem", directory / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
