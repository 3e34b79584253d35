"""A gate whose configuration is replaced while it runs."""

import json
import os

from bootstrap import gate_filter, merged
from gate import until

from stack.envoy import wasm_module

WASM = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"


class Updated:
    """A gate whose filter is configured by a file that Envoy watches."""

    def __init__(self, gates, folder, **options):
        self.file, self._version = folder / "icegate.json", 0
        self.gate = gates(edit=self._watch_file, **options)

    def _watch_file(self, bootstrap):
        bootstrap["node"] = {"id": "gate", "cluster": "gates"}  # Envoy wants both for whatever it discovers
        self.wasm = gate_filter(bootstrap)["typed_config"]
        self.wasm["config"]["vm_config"]["code"]["local"]["filename"] = str(wasm_module())
        gate_filter(bootstrap).pop("typed_config")
        source = {"path_config_source": {"path": str(self.file)}, "resource_api_version": "V3"}
        gate_filter(bootstrap)["config_discovery"] = {"config_source": source, "type_urls": [WASM]}
        self.change({})

    def change(self, patch):
        """Another configuration of the filter, which stays the base of further changes only when it is good."""
        self._version += 1
        configuration = self.wasm["config"]["configuration"]
        value = merged(configuration["value"], patch)
        wasm = merged(self.wasm, {"config": {"configuration": {"value": value}}})
        resource = {"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": "icegate",
                    "typed_config": wasm}
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"version_info": str(self._version), "resources": [resource]}))
        os.replace(fresh, self.file)

    def outcomes(self, kind):
        """How many updates Envoy took or refused."""
        found = self.gate.envoy.stats(f"extension_config_discovery.*{kind}$")
        return sum(found.values())
