import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

ENGINE = Path("src/slipway/engine.js")


class CustomMetadataHook(MetadataHookInterface):
    """The version of the engine is that of the package; without the engine there is nothing to build."""

    def update(self, metadata):
        engine = Path(self.root) / ENGINE
        if not engine.is_file():
            raise FileNotFoundError(
                f"python/{ENGINE} is not there: run `npm run build` in the root of the repository first"
            )
        with engine.open(encoding="utf-8") as file:
            metadata["version"] = re.match(r"/\* slipway (\S+) \*/", file.readline()).group(1)
