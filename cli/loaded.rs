//! A configuration of the gate as the loader takes it, and the secrets that it asks for.

use std::cell::RefCell;

use icegate::config::{Config, Faults, load};

use crate::source::Filter;

/// What stands for a secret that is not read. The loader asks for something that is not empty, and for a key of the
/// gate's own it asks for a private key: this one is the number one on P-256, and nobody's.
const PLACEHOLDER: &str = "-----BEGIN PRIVATE KEY-----\
     MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ==\
     -----END PRIVATE KEY-----";

/// Where secrets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// Nowhere: a placeholder stands for each.
    Placeholders,
    /// The environment of this process.
    Environment,
}

/// What became of a configuration.
pub(crate) struct Loaded {
    /// The configuration, or all of its faults.
    pub(crate) outcome: Result<Config, Faults>,
    /// The variables that it names, sorted.
    pub(crate) secrets: Vec<String>,
}

/// Has the loader read a filter's configuration.
pub(crate) fn load_filter(filter: &Filter<'_>, from: Secrets) -> Loaded {
    let asked = RefCell::new(Vec::new());
    let environment = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        match from {
            Secrets::Placeholders => Some(PLACEHOLDER.to_owned()),
            Secrets::Environment => std::env::var(name).ok(),
        }
    };
    let outcome = load(&filter.configuration.bytes(), &environment);
    let mut secrets = asked.into_inner();
    secrets.sort();
    secrets.dedup();
    Loaded { outcome, secrets }
}
