"""The page's own files, read once; nothing else on the disk can be asked for."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


class Pages:
    """Name -> content. The empty name is the page itself."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {
            path.name: (path.read_bytes(), _TYPES[path.suffix])
            for path in sorted(folder.iterdir())
            if path.suffix in _TYPES
        }
        self._files[""] = self._files["page.html"]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answers GET /NAME."""
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="no such page")
        body, kind = found
        return web.Response(body=body, content_type=kind, charset="utf-8")
