//! Finds the filters of the gate in the files of Envoy, Istio and Envoy Gateway.

use crate::source::{Configuration, Filter, Found, Host, Trail};
use crate::yaml::{Kind, Node};

/// The type of the filter in Envoy, behind `type.googleapis.com/`.
const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The types that hold another type's message as a Struct.
const TYPED_STRUCTS: [&str; 2] = ["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"];

const MANAGER: &str =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

fn is_type(node: &Node, member: &str, name: &str) -> bool {
    let text = node.get(member).and_then(Node::text);
    text.and_then(|text| text.rsplit('/').next()) == Some(name)
}

/// The `PluginConfig` of an object, if it is a Wasm filter.
fn plugin(node: &Node) -> Option<&Node> {
    let typed_struct = TYPED_STRUCTS
        .iter()
        .any(|name| is_type(node, "@type", name));
    if is_type(node, "@type", WASM) {
        node.get("config")
    } else if typed_struct && is_type(node, "type_url", WASM) {
        node.at(&["value", "config"])
    } else {
        None
    }
}

/// Looks through a value for filters; how deep it goes is bounded by the reader.
pub(crate) fn walk<'a>(node: &'a Node, trail: &Trail<'a>, found: &mut Found<'a>) {
    let mut trail = *trail;
    if let Some(plugin) = plugin(node) {
        // A patch of a filter that stands elsewhere.
        if matches!(trail.resource, Some(("EnvoyFilter", _)))
            && plugin.get("configuration").is_none()
        {
            return;
        }
        return add(
            found,
            plugin,
            Host::Envoy(plugin),
            configuration(plugin),
            trail,
        );
    }
    match trail.resource {
        Some(("WasmPlugin", _)) => {
            if let Some((spec, given)) = node
                .get("spec")
                .and_then(|spec| Some((spec, spec.get("pluginConfig")?)))
            {
                let given = Configuration::Tree(given);
                return add(found, spec, Host::Istio(spec), given, trail);
            }
        }
        Some(("EnvoyExtensionPolicy", _)) => {
            let wasm = node.at(&["spec", "wasm"]);
            for one in wasm.map(Node::elements).unwrap_or_default() {
                trail.name = one.get("name").and_then(Node::text);
                let given = match one.get("config") {
                    Some(config) => Configuration::Tree(config),
                    None => Configuration::Neither,
                };
                add(found, one, Host::Gateway(one), given, trail);
            }
            return;
        }
        _ => {}
    }
    if node.get("static_resources").is_some() {
        trail.bootstrap = Some(node);
    }
    if node.get("filter_chains").is_some() {
        trail.listener = Some(node);
    }
    if is_type(node, "@type", MANAGER) {
        trail.manager = Some(node);
    }
    for (key, child) in node.members() {
        let mut inner = trail;
        if key == "typed_config" {
            inner.name = node.get("name").and_then(Node::text);
        }
        if key == "clusters" {
            for cluster in child.elements() {
                inner.cluster = Some(cluster);
                walk(cluster, &inner, found);
            }
            continue;
        }
        walk(child, &inner, found);
    }
    for child in node.elements() {
        walk(child, &trail, found);
    }
}

/// Adds a filter, if it is ours.
fn add<'a>(
    found: &mut Found<'a>,
    at: &'a Node,
    host: Host<'a>,
    configuration: Configuration<'a>,
    trail: Trail<'a>,
) {
    let names = [
        at.get("name"),
        at.get("root_id"),
        at.get("rootID"),
        at.get("pluginName"),
        at.get("url"),
        at.at(&["vm_config", "vm_id"]),
        at.at(&["vm_config", "code", "local", "filename"]),
    ];
    let named = names
        .into_iter()
        .flatten()
        .filter_map(Node::text)
        .chain(trail.name)
        .any(|name| name.contains("icegate"));
    let tree = configuration.tree();
    let has = |key: &str| tree.as_ref().is_some_and(|tree| tree.get(key).is_some());
    if !named && !has("issuers") && !has("catalogs") {
        found.others = found.others.saturating_add(1);
        return;
    }
    found.filters.push(Filter {
        configuration,
        host,
        trail,
        line: at.line,
    });
}

/// What a plugin of Envoy's is given: a Struct, or text.
fn configuration(plugin: &Node) -> Configuration<'_> {
    let Some(given) = plugin.get("configuration") else {
        return Configuration::Neither;
    };
    let value = given.get("value");
    if is_type(given, "@type", "google.protobuf.StringValue") {
        let text = value.and_then(Node::text).unwrap_or_default();
        return Configuration::Text(text.as_bytes().to_vec());
    }
    match value {
        Some(value) if is_type(given, "@type", "google.protobuf.Struct") => {
            Configuration::Tree(value)
        }
        _ => Configuration::Neither,
    }
}

/// Whether a document is of Envoy or Kubernetes, and no configuration of the gate.
pub(crate) fn is_of_envoy(document: &Node) -> bool {
    const MEMBERS: [&str; 9] = [
        "@type",
        "apiVersion",
        "static_resources",
        "dynamic_resources",
        "filter_chains",
        "http_filters",
        "resources",
        "typed_config",
        "node",
    ];
    let is_map = matches!(document.kind, Kind::Map(_));
    !is_map || MEMBERS.iter().any(|member| document.get(member).is_some())
}
