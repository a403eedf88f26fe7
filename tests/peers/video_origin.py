"""A streaming service on loopback: HTTPS and HTTP, a page with a player, and a segmented film.

The film is HLS (RFC 8216) as ffmpeg makes it, in fragments that a browser's Media Source takes.
"""

import functools
import http.server
import ssl
import subprocess
import threading
from pathlib import Path

from tests.peers.certificates import CertificatePair
from tests.peers.missing import require_program

SECONDS = 6
PLAYER = """<!doctype html><meta charset="utf-8"><title>Film</title><video muted></video><script>
async function play() {
  const list = (await (await fetch("film.m3u8")).text()).split("\\n");
  const first = list.find(line => line.startsWith("#EXT-X-MAP")).match(/URI="([^"]+)"/)[1];
  const parts = [first, ...list.filter(line => line.endsWith(".m4s"))];
  const source = new MediaSource(), video = document.querySelector("video");
  video.src = URL.createObjectURL(source);
  await new Promise(opened => source.addEventListener("sourceopen", opened, {once: true}));
  const buffer = source.addSourceBuffer('video/mp4; codecs="vp09.00.10.08"');
  for (const part of parts) {
    buffer.appendBuffer(await (await fetch(part)).arrayBuffer());
    await new Promise(done => buffer.addEventListener("updateend", done, {once: true}));
  }
  source.endOfStream();
  video.playbackRate = 4;
  await video.play();
  await new Promise(ended => video.addEventListener("ended", ended, {once: true}));
  return {segments: parts.length - 1, seconds: video.currentTime, width: video.videoWidth};
}
</script>"""


def make_film(folder: Path) -> None:
    """Encode a few seconds of a test picture into two-second segments."""
    subprocess.run(
        [
            require_program("ffmpeg", "ffmpeg"), "-loglevel", "error",
            "-f", "lavfi", "-i", f"testsrc2=duration={SECONDS}:size=320x180:rate=25",
            "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "50",
            "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod",
            "-hls_segment_type", "fmp4", "film.m3u8",
        ],
        cwd=folder, check=True, timeout=120,
    )  # fmt: skip
    (folder / "index.html").write_text(PLAYER)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class VideoOrigin:
    """Serves a folder, over TLS where there is a certificate."""

    def __init__(self, folder: Path, pair: CertificatePair | None = None) -> None:
        visit = functools.partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), visit)
        self.port: int = self._server.server_address[1]
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
