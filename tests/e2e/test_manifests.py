"""The Kubernetes manifests cannot be run here; that their filter configurations load can be shown."""

import pytest
import yaml
from bootstrap import filter_configuration
from gate import EXAMPLES, Gate


def istio() -> dict:
    return yaml.safe_load((EXAMPLES / "istio.yaml").read_text())["spec"]["pluginConfig"]


def envoy_gateway() -> dict:
    policy, _patch = yaml.safe_load_all((EXAMPLES / "envoy-gateway.yaml").read_text())
    return policy["spec"]["wasm"][0]["config"]


def envoy_filter() -> dict:
    (patch,) = yaml.safe_load((EXAMPLES / "istio-envoyfilter.yaml").read_text())["spec"]["configPatches"]
    return patch["patch"]["value"]["typed_config"]["config"]["configuration"]["value"]


@pytest.mark.parametrize("configuration", [istio, envoy_filter, envoy_gateway])
def test_the_filter_configuration_of_a_manifest_loads(tmp_path, keycloak, configuration):
    def edit(bootstrap: dict) -> None:
        filter_configuration(bootstrap)["value"] = configuration()

    # The cluster that it names does not exist in this Envoy: keys cannot be fetched, and the gate says so.
    with Gate(tmp_path, keycloak, catalog=1, edit=edit) as gate:
        (catalog,) = configuration()["catalogs"].values()
        answer = gate.ask("GET", f"{catalog['base_path']}/v1/config")
        assert answer.status == 401
        gate.wait_for_log("the cluster is unknown")
