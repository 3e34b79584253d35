//! What several tests use.

use icegate::config::{Config, Faults, load, smallest};
use serde_json::Value;

/// The secret in the environment of every test.
pub(crate) const SECRET: &str = "CANARY-secret-value";

/// An environment with the secret that the smallest configuration names.
pub(crate) fn environment(name: &str) -> Option<String> {
    (name == "ICEGATE_SECRET").then(|| SECRET.to_owned())
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
