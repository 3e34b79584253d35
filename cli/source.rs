//! The file that an operator names: read, and every configuration of the gate found in it, wherever it stands.

use std::fmt;

use icegate::json;

use crate::find::{is_of_envoy, walk};
use crate::input;
use crate::yaml::{self, Node};

/// A file that was read.
pub(crate) struct Source {
    /// Its documents.
    pub(crate) documents: Vec<Node>,
    /// Its bytes, where they are JSON: the loader reads them itself.
    json: Option<Vec<u8>>,
}

/// Why there is nothing to check.
pub(crate) enum Unread {
    /// The file is not there, or not ours to read.
    Io(std::io::Error),
    /// It is no YAML and no JSON that can be read.
    Form(String),
}

impl Source {
    /// Reads a file; `-` is standard input.
    pub(crate) fn read(name: &str) -> Result<Self, Unread> {
        let bytes = input::file_or_stdin(name).map_err(Unread::Io)?;
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let looks_like_json = matches!(first, Some(b'{' | b'['));
        if looks_like_json && let Ok(value) = json::parse(&bytes) {
            return Ok(Self {
                documents: vec![Node::of_json(&value)],
                json: Some(bytes),
            });
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(Unread::Form("is not UTF-8".to_owned()));
        };
        match yaml::read(text) {
            Ok(documents) => Ok(Self {
                documents,
                json: None,
            }),
            // What begins like JSON was probably meant to be JSON.
            Err(fault) => Err(Unread::Form(match json::parse(&bytes) {
                Err(as_json) if looks_like_json => as_json.to_string(),
                _ => fault.to_string(),
            })),
        }
    }

    /// Every configuration of the gate in the file.
    pub(crate) fn found(&self) -> Found<'_> {
        let mut found = Found::default();
        for document in &self.documents {
            walk(document, &Trail::of_document(document), &mut found);
        }
        let is_bare = found.filters.is_empty() && found.others == 0;
        if is_bare
            && let [document] = self.documents.as_slice()
            && !is_of_envoy(document)
        {
            found.filters.push(Filter {
                configuration: match &self.json {
                    Some(bytes) => Configuration::Text(bytes.clone()),
                    None => Configuration::Tree(document),
                },
                host: Host::None,
                trail: Trail::default(),
                line: document.line,
            });
        }
        found
    }
}

/// What a file holds.
#[derive(Default)]
pub(crate) struct Found<'a> {
    /// The filters of the gate, in the order in which they stand there.
    pub(crate) filters: Vec<Filter<'a>>,
    /// How many Wasm filters belong to other plugins.
    pub(crate) others: usize,
}

/// A configuration of the gate with what stands around it.
pub(crate) struct Filter<'a> {
    /// What the filter is given.
    pub(crate) configuration: Configuration<'a>,
    /// What hosts it.
    pub(crate) host: Host<'a>,
    /// What it stands in.
    pub(crate) trail: Trail<'a>,
    /// Its line.
    pub(crate) line: usize,
}

/// What the filter is given as its configuration.
pub(crate) enum Configuration<'a> {
    /// An object.
    Tree(&'a Node),
    /// Text, which must be JSON.
    Text(Vec<u8>),
    /// Neither.
    Neither,
}

impl Configuration<'_> {
    /// The bytes that the filter reads.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Tree(node) => node.to_json().to_string().into_bytes(),
            Self::Text(text) => text.clone(),
            Self::Neither => Vec::new(),
        }
    }

    /// Its members, as far as it can be read.
    pub(crate) fn tree(&self) -> Option<Node> {
        match self {
            Self::Tree(node) => Some((*node).clone()),
            Self::Text(text) => Some(Node::of_json(&json::parse(text).ok()?)),
            Self::Neither => None,
        }
    }
}

/// What hosts a filter, as far as the file says.
#[derive(Clone, Copy)]
pub(crate) enum Host<'a> {
    /// A configuration alone.
    None,
    /// Envoy: the `PluginConfig`.
    Envoy(&'a Node),
    /// Istio: the `spec` of a `WasmPlugin`.
    Istio(&'a Node),
    /// Envoy Gateway: one of `wasm` in the `spec` of an `EnvoyExtensionPolicy`.
    Gateway(&'a Node),
}

/// What a filter stands in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trail<'a> {
    pub(crate) bootstrap: Option<&'a Node>,
    pub(crate) listener: Option<&'a Node>,
    pub(crate) cluster: Option<&'a Node>,
    pub(crate) manager: Option<&'a Node>,
    /// The name of the filter.
    pub(crate) name: Option<&'a str>,
    /// Kubernetes: kind and name.
    pub(crate) resource: Option<(&'a str, &'a str)>,
}

impl<'a> Trail<'a> {
    fn of_document(document: &'a Node) -> Self {
        let kind = document.get("apiVersion").and(document.get("kind"));
        let name = document.at(&["metadata", "name"]).and_then(Node::text);
        Self {
            resource: kind
                .and_then(Node::text)
                .map(|kind| (kind, name.unwrap_or("-"))),
            ..Self::default()
        }
    }
}

impl Filter<'_> {
    /// Where it stands, for people; empty for a configuration alone.
    pub(crate) fn place(&self) -> String {
        Place(self).to_string()
    }
}

struct Place<'a>(&'a Filter<'a>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Filter {
            host, trail, line, ..
        } = self.0;
        let named = |node: Option<&Node>| {
            let name = node.and_then(|node| node.get("name")?.text());
            name.map(icegate::text::shown)
        };
        if let Host::None = host {
            return Ok(());
        }
        let mut parts = Vec::new();
        if let Some((kind, name)) = trail.resource {
            let shown = icegate::text::shown;
            parts.push(format!("{} {}", shown(kind), shown(name)));
        }
        if let Some(name) = named(trail.listener) {
            parts.push(format!("listener {name}"));
        }
        if let Some(name) = named(trail.cluster) {
            parts.push(format!("cluster {name}"));
        }
        if let Some(name) = trail.name {
            parts.push(format!("filter {}", icegate::text::shown(name)));
        }
        if parts.is_empty() {
            parts.push("filter".to_owned());
        }
        f.write_str(&parts.join(", "))?;
        match line {
            0 => Ok(()),
            line => write!(f, " (line {line})"),
        }
    }
}
