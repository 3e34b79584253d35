//! The values of the configuration that have a form of their own: claims, secrets, parameters, scopes.

use std::collections::BTreeMap;

use super::fault::Faults;
use super::file::OwnAccountBlock;
use super::model::ClaimPath;
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::texts::{Scope, is_scope_token, is_visible};
use super::tree::Tree;
#[cfg(not(target_arch = "wasm32"))]
use crate::json::Value;
use crate::limits;
use crate::oauth::RESERVED_PARAMETERS;

/// Text with dots between the members; or a list of the members, for names that hold dots
/// themselves (`["https://example.com/tenant"]`).
impl Field for ClaimPath {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let members = match node.value {
            Tree::Text(text) => text.split('.').map(str::to_owned).collect(),
            Tree::List(_) => node.elements::<String>(faults)?,
            _ => return node.not("text or a list", faults),
        };
        if members.is_empty()
            || members.len() > crate::limits::JSON_DEPTH
            || members.iter().any(String::is_empty)
        {
            return node.refuse(
                faults,
                "must name a claim, as in sub, realm_access.roles or [\"https://example.com/id\"]",
            );
        }
        Some(Self(members))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::text("claim", Some("^[^.]+(\\.[^.]+)*$")).or_list()
    }
}

impl From<&str> for ClaimPath {
    fn from(claim: &str) -> Self {
        Self(vec![claim.to_owned()])
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for ClaimPath {
    fn show(&self) -> Value {
        Value::from(self.0.join("."))
    }
}

/// Where a client secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// In this variable of the VM's environment.
    Environment(String),
    /// In Envoy's credential injector.
    Injected,
}

/// What to write instead of the secret itself.
const SECRET_FORM: &str = "must not hold the secret: \
     put it by name into the environment of the VM, secret: {env: NAME}, \
     or leave it to Envoy's credential injector, secret: injected; \
     the configuration shows in Envoy's config_dump";

/// Nothing that stands here is ever repeated, keys included: it may be the secret.
impl Field for SecretPlace {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::Text(text) if text == "injected" => Some(Self::Injected),
            _ => variable(node, SECRET_FORM, faults).map(Self::Environment),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::secret()
    }
}

/// Where a private key is: in this variable of the VM's environment, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPlace(pub(crate) String);

/// What to write instead of the key itself.
const KEY_FORM: &str = "must not hold the key: \
     put it by name into the environment of the VM, key: {env: NAME}; \
     the configuration shows in Envoy's config_dump";

impl Field for KeyPlace {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        variable(node, KEY_FORM, faults).map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::variable()
    }
}

/// `{env: NAME}`.
fn variable(node: Node<'_>, form: &'static str, faults: &mut Faults) -> Option<String> {
    let is_variable = |name: &str| {
        name.len() <= 128
            && name.starts_with(|char: char| char.is_ascii_uppercase() || char == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let members = match node.value {
        Tree::Object(members) if members.len() == 1 => members,
        _ => return node.refuse(faults, form),
    };
    match members.get("env") {
        Some(Tree::Text(name)) if is_variable(name) => Some(name.clone().into_owned()),
        Some(_) => node.refuse(
            faults,
            "env must be the name of an environment variable: A-Z, 0-9 and _",
        ),
        None => node.refuse(faults, form),
    }
}

/// What clients may ask the token endpoint for, each with what the identity provider is asked for in its place; nothing
/// is asked for where that is empty.
#[derive(Clone, Debug)]
pub(crate) struct Scopes(pub(crate) BTreeMap<Box<str>, Box<str>>);

impl Scopes {
    /// What Iceberg clients ask for when nobody tells them otherwise: the Java client and PyIceberg, and DuckDB.
    pub(crate) const OF_CLIENTS: [&str; 3] = ["catalog", "PRINCIPAL_ROLE:ALL", "sign"];
}

impl From<[&str; 3]> for Scopes {
    fn from(scopes: [&str; 3]) -> Self {
        Self(scopes.map(|scope| (scope.into(), "".into())).into())
    }
}

impl Field for Scopes {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let members = node.object(faults)?;
        if !(1..=limits::SCOPES).contains(&members.len()) {
            return node.refuse(faults, format!("must hold 1 to {}", limits::SCOPES));
        }
        let mut read = BTreeMap::new();
        for (name, value) in members.iter() {
            let path = node.path.member(name);
            if !is_scope_token(name) {
                faults.add(path, "is no scope (RFC 6749 section 3.3)");
            }
            match value {
                Tree::Text(text) if text.is_empty() => {
                    read.insert(name.into(), "".into());
                }
                _ => {
                    if let Some(Scope(scope)) = Scope::read(Node { path, value }, faults) {
                        read.insert(name.into(), scope.into());
                    }
                }
            }
        }
        Some(Self(read))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::scopes(limits::SCOPES)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for Scopes {
    fn show(&self) -> Value {
        let members = self.0.iter();
        let members = members.map(|(name, scope)| (name.to_string(), Value::from(&**scope)));
        Value::Object(members.collect())
    }
}

/// How tokens for the catalogs are got for a program.
#[derive(Debug)]
pub(crate) enum ServiceToken {
    /// By exchanging its own.
    Exchange,
    /// With an account of its own.
    OwnAccount(Box<OwnAccountBlock>),
}

impl Field for ServiceToken {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::Text(text) if text == "exchange" => Some(Self::Exchange),
            Tree::Text(_) => {
                node.refuse(faults, "must be exchange, or {client_credentials: {...}}")
            }
            _ => OwnAccountBlock::read(node, faults).map(|own| Self::OwnAccount(Box::new(own))),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::word_or("exchange", OwnAccountBlock::shape())
    }
}

/// Parameters of an exchange that no other field covers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

/// Credentials; `client_assertion_type` and `actor_token_type` begin with one of them.
const CREDENTIALS: [&str; 6] = [
    "actor_token",
    "client_assertion",
    "client_secret",
    "assertion",
    "password",
    "refresh_token",
];

impl Field for Parameters {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let mut read = Vec::new();
        for (name, value) in node.object(faults)?.iter() {
            let path = node.path.member(name);
            if name.is_empty() || !is_visible(name) {
                faults.add(path, "is no parameter's name: visible ASCII characters");
            } else if CREDENTIALS
                .iter()
                .any(|credential| name.starts_with(credential))
            {
                faults.add(
                    path,
                    "is reserved: the configuration holds no credential, \
                     because it shows in Envoy's config_dump",
                );
            } else if RESERVED_PARAMETERS.contains(&name) {
                faults.add(
                    path,
                    "is reserved: the gate sends it itself, or must not send it",
                );
            } else if let Some(value) = String::read(Node { path, value }, faults) {
                read.push((name.to_owned(), value));
            }
        }
        read.sort();
        Some(Self(read))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::parameters()
    }
}
