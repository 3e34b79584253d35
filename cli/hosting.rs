//! What only the file around a filter knows, compared with what the filter's configuration says.

use crate::source::{Filter, Host, Source, Trail};
use crate::yaml::{Kind, Node};

/// What is said about a filter's surroundings.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What must be mended.
    pub(crate) faults: Vec<String>,
    /// What should be looked at.
    pub(crate) notes: Vec<String>,
}

/// The flag of Envoy's that the filter cannot see.
const FLAG: &str = "allow_on_headers_stop_iteration";

const POLICY: &str = "failure_policy";

/// Where Host is rewritten on the way to a catalog, clients are told addresses that lead around the gate.
const REWRITES: [&str; 5] = [
    "host_rewrite_literal",
    "auto_host_rewrite",
    "host_rewrite_header",
    "host_rewrite_path_regex",
    "host_rewrite",
];

/// Compares a filter with its surroundings. `secrets`: the variables that its configuration names.
pub(crate) fn compare(source: &Source, filter: &Filter<'_>, secrets: &[String]) -> Findings {
    let configuration = filter.configuration.tree();
    let configuration = configuration.as_ref();
    let declared = configuration.is_some_and(|tree| tree.get(FLAG).is_some_and(Node::is_true));
    let patched = |name: &str| {
        let mut documents = source.documents.iter();
        documents.find_map(|document| patch(document, name))
    };
    let mut said = Findings::default();
    match filter.host {
        Host::None => return said,
        Host::Envoy(plugin) => {
            let set = plugin.get(FLAG).or_else(|| patched(FLAG));
            said.flag(declared, set.is_some_and(Node::is_true));
            said.failure_policy(plugin.get(POLICY).or_else(|| patched(POLICY)));
            if plugin.get("fail_open").is_some_and(Node::is_true) {
                said.fault(
                    "fail_open",
                    "must not be true; what the gate should stop would pass when it fails",
                );
            }
            said.variables(plugin, secrets);
        }
        Host::Istio(spec) => {
            said.flag_elsewhere(declared, patched(FLAG), "a WasmPlugin", "an EnvoyFilter");
            said.fail_strategy(spec.get("failStrategy").and_then(Node::text));
            said.istio_variables(spec, secrets);
        }
        Host::Gateway(wasm) => {
            let by = "an EnvoyPatchPolicy";
            said.flag_elsewhere(declared, patched(FLAG), "an EnvoyExtensionPolicy", by);
            if wasm.get("failOpen").is_some_and(Node::is_true) {
                said.fault(
                    "failOpen",
                    "must not be true; what the gate should stop would pass when it fails",
                );
            }
            said.failure_policy(patched(POLICY));
            let keys = names(wasm.at(&["env", "hostKeys"]));
            said.unnamed(secrets, &keys, "env.hostKeys");
        }
    }
    if let Some(configuration) = configuration {
        // The gate looks through the answers of a catalog where it may hold bodies.
        if !declared {
            said.rewrites(&filter.trail);
        }
        said.clusters(&filter.trail, configuration);
    }
    said
}

impl Findings {
    fn fault(&mut self, path: &str, message: &str) {
        self.faults.push(format!("{path}: {message}"));
    }

    fn note(&mut self, path: &str, message: &str) {
        self.notes.push(format!("{path}: {message}"));
    }

    fn flag(&mut self, declared: bool, set: bool) {
        match (declared, set) {
            (true, false) => self.fault(
                FLAG,
                "must be true, as the filter's configuration says it is; Envoy would not let the gate hold bodies",
            ),
            (false, true) => self.fault(
                FLAG,
                "must not be true, or the filter's configuration must say so, too; the gate cannot see it, and would \
                 not hold a body that it does not expect",
            ),
            (true, true) | (false, false) => {}
        }
    }

    /// Where the manifest itself cannot set the flag.
    fn flag_elsewhere(&mut self, declared: bool, patched: Option<&Node>, what: &str, by: &str) {
        match patched {
            Some(node) => self.flag(declared, node.is_true()),
            None if declared => self.note(
                FLAG,
                &format!(
                    "{what} cannot set it, and the configuration says that it is true: set it by {by}"
                ),
            ),
            None => {}
        }
    }

    fn failure_policy(&mut self, policy: Option<&Node>) {
        let open = ["FAIL_OPEN", "3"];
        let reload = ["FAIL_RELOAD", "1"];
        let word = policy.map(|node| match &node.kind {
            Kind::Text(text) => text.clone(),
            Kind::Number(number) => number.to_string(),
            _ => String::new(),
        });
        match word.as_deref() {
            Some(word) if open.contains(&word) => self.fault(
                POLICY,
                "must not be FAIL_OPEN; what the gate should stop would pass when it fails",
            ),
            Some(word) if reload.contains(&word) => {}
            _ => self.note(
                POLICY,
                "is not FAIL_RELOAD: one fault of the VM would shut a worker until Envoy is restarted",
            ),
        }
    }

    fn fail_strategy(&mut self, strategy: Option<&str>) {
        match strategy {
            Some("FAIL_OPEN") => self.fault(
                "failStrategy",
                "must not be FAIL_OPEN; what the gate should stop would pass when it fails",
            ),
            Some("FAIL_RELOAD") => {}
            _ => self.note(
                "failStrategy",
                "is not FAIL_RELOAD: one fault of the VM would shut a worker until its pod is restarted",
            ),
        }
    }

    fn variables(&mut self, plugin: &Node, secrets: &[String]) {
        const KEYS: &str = "vm_config.environment_variables.host_env_keys";
        let variables = plugin.at(&["vm_config", "environment_variables"]);
        let written = variables.and_then(|variables| variables.get("key_values"));
        let mut keys = names(variables.and_then(|variables| variables.get("host_env_keys")));
        for (name, _) in written.map(Node::members).unwrap_or_default() {
            if secrets.iter().any(|secret| secret == name) {
                self.fault(
                    &format!("vm_config.environment_variables.key_values.{name}"),
                    "must not hold the secret; the configuration shows in Envoy's config_dump: name it in host_env_keys",
                );
                keys.push(name);
            }
        }
        self.unnamed(secrets, &keys, KEYS);
    }

    fn istio_variables(&mut self, spec: &Node, secrets: &[String]) {
        let mut keys = Vec::new();
        let variables = spec.at(&["vmConfig", "env"]).map(Node::elements);
        for variable in variables.unwrap_or_default() {
            let Some(name) = variable.get("name").and_then(Node::text) else {
                continue;
            };
            keys.push(name);
            let from = variable.get("valueFrom").and_then(Node::text);
            if from != Some("HOST") && secrets.iter().any(|secret| secret == name) {
                self.fault(
                    &format!("vmConfig.env.{name}"),
                    "must have valueFrom: HOST; a value that is written here shows in Envoy's config_dump",
                );
            }
        }
        self.unnamed(secrets, &keys, "vmConfig.env");
    }

    fn unnamed(&mut self, secrets: &[String], keys: &[&str], path: &str) {
        for secret in secrets
            .iter()
            .filter(|secret| !keys.contains(&secret.as_str()))
        {
            self.fault(
                path,
                &format!("must name {secret}; the filter sees no other variables"),
            );
        }
    }

    /// Routes of the same connection manager that change Host.
    fn rewrites(&mut self, trail: &Trail<'_>) {
        let hosts = trail
            .manager
            .and_then(|manager| manager.at(&["route_config", "virtual_hosts"]));
        for (host, hosts) in hosts
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .zip(0..)
        {
            let routes = host.get("routes").map(Node::elements).unwrap_or_default();
            for (route, number) in routes.iter().zip(0..) {
                if disabled(route, trail.name) || disabled(host, trail.name) {
                    continue;
                }
                let action = route.get("route").map(Node::members).unwrap_or_default();
                for (key, value) in action {
                    if REWRITES.contains(&key.as_str()) && value.kind != Kind::Bool(false) {
                        self.fault(
                            &format!("route_config.virtual_hosts[{hosts}].routes[{number}].route.{key}"),
                            "must not be set; catalogs build addresses from Host, and the gate cannot look through \
                             their answers without allow_on_headers_stop_iteration: clients would be led past the gate",
                        );
                    }
                }
            }
        }
    }

    /// Clusters that the configuration names, in a file that has all clusters.
    fn clusters(&mut self, trail: &Trail<'_>, configuration: &Node) {
        let Some(bootstrap) = trail.bootstrap else {
            return;
        };
        if bootstrap.at(&["dynamic_resources", "cds_config"]).is_some()
            || bootstrap.at(&["dynamic_resources", "ads_config"]).is_some()
        {
            return;
        }
        let clusters = bootstrap.at(&["static_resources", "clusters"]);
        let known: Vec<&str> = clusters
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .filter_map(|cluster| cluster.get("name")?.text())
            .collect();
        let mut missing = Vec::new();
        named_clusters(configuration, "", &mut |path, cluster| {
            if !known.contains(&cluster) {
                missing.push(path.to_owned());
            }
        });
        for path in missing {
            self.fault(
                &path,
                "names no cluster of this file; every call through it would fail",
            );
        }
    }
}

/// Every `cluster` of a configuration, with its path.
fn named_clusters(node: &Node, path: &str, tell: &mut impl FnMut(&str, &str)) {
    for (key, child) in node.members() {
        let place = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        match child.text() {
            Some(cluster) if key == "cluster" => tell(&place, cluster),
            _ if key == "parameters" => {}
            _ => named_clusters(child, &place, tell),
        }
    }
}

/// Whether a route or a virtual host is exempt from the filter.
fn disabled(node: &Node, filter: Option<&str>) -> bool {
    let name = filter.unwrap_or_default();
    let own = node.at(&["typed_per_filter_config", name, "disabled"]);
    own.is_some_and(Node::is_true)
}

fn names(list: Option<&Node>) -> Vec<&str> {
    let names = list.map(Node::elements).unwrap_or_default();
    names.iter().filter_map(Node::text).collect()
}

/// What a patch in the same file sets a field of the filter to: an operation of an `EnvoyPatchPolicy`, or a value
/// that an `EnvoyFilter` merges.
fn patch<'a>(document: &'a Node, field: &str) -> Option<&'a Node> {
    match document.get("kind").and_then(Node::text)? {
        "EnvoyPatchPolicy" => {
            let patches = document.at(&["spec", "jsonPatches"]).map(Node::elements);
            patches.unwrap_or_default().iter().find_map(|patch| {
                let operation = patch.get("operation")?;
                let path = operation.get("path").and_then(Node::text)?;
                let last = path.rsplit('/').next()?;
                (last == field).then(|| operation.get("value"))?
            })
        }
        "EnvoyFilter" => {
            let patches = document.at(&["spec", "configPatches"]).map(Node::elements);
            let mut values = patches.unwrap_or_default().iter();
            values.find_map(|patch| anywhere(patch.at(&["patch", "value"])?, field))
        }
        _ => None,
    }
}

/// A field anywhere in a patch, but not in a whole filter that the patch brings along.
fn anywhere<'a>(node: &'a Node, field: &str) -> Option<&'a Node> {
    if node.get("configuration").is_some() {
        return None;
    }
    let mut members = node.members().iter().map(|(_, child)| child);
    let mut elements = node.elements().iter();
    node.get(field)
        .or_else(|| members.find_map(|child| anywhere(child, field)))
        .or_else(|| elements.find_map(|child| anywhere(child, field)))
}
