//! What several tests use.

use icegate::config::{Config, Faults, load, smallest};
use serde_json::Value;

/// The secret in the environment of every test.
pub(crate) const SECRET: &str = "CANARY-secret-value";

/// Two private keys of P-256 in the environment of every test, on one line as environments often have them. They are
/// the numbers one and two, and nobody's.
const KEYS: [&str; 2] = [
    "-----BEGIN PRIVATE KEY-----\
     MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ==\
     -----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\
     MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAg==\
     -----END PRIVATE KEY-----",
];

/// An environment with the secret that the smallest configuration names, and with keys of the gate's own.
pub(crate) fn environment(name: &str) -> Option<String> {
    let value = match name {
        "ICEGATE_SECRET" => SECRET,
        "ICEGATE_ASSERTION_KEY" => KEYS[0],
        "ICEGATE_NEXT_KEY" => KEYS[1],
        _ => return None,
    };
    Some(value.to_owned())
}

/// Loads a configuration in [`environment`].
pub(crate) fn load_value(configuration: &Value) -> Result<Config, Faults> {
    load_with(configuration, &environment)
}

/// Loads a configuration in an environment.
pub(crate) fn load_with(
    configuration: &Value,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Faults> {
    load(configuration.to_string().as_bytes(), environment)
}

/// The smallest configuration with changes: a JSON pointer, and what is put there. `null` takes the
/// member away.
pub(crate) fn changed(changes: &[(&str, Value)]) -> Value {
    let mut configuration = smallest();
    for (pointer, value) in changes {
        let (parent, key) = pointer
            .rsplit_once('/')
            .expect("a pointer begins with a slash");
        let parent = configuration
            .pointer_mut(parent)
            .expect("the parent exists");
        let members = parent.as_object_mut().expect("the parent is an object");
        match value {
            Value::Null => members.remove(key).map(|_| ()).expect("the member exists"),
            value => drop(members.insert(key.to_owned(), value.clone())),
        }
    }
    configuration
}
