//! The particular values of the configuration that are written as text.

use std::rc::Rc;

use crate::json::Value;

use super::fault::Faults;
use super::model::{Access, ClaimPath, Profile, Scheme};
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::values::{Listed, Text, Wrong};
use crate::iceberg::Kind;
use crate::jose::Algorithm;

/// Makes a type of a few fixed words readable.
macro_rules! words {
    ($kind:ty { $($word:literal => $value:expr,)+ }) => {
        impl Text for $kind {
            fn parse(text: &str) -> Result<Self, Wrong> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(one_of(&[$($word),+]).into()),
                }
            }

            #[cfg(not(target_arch = "wasm32"))]
            fn text_shape() -> Shape {
                Shape::words(&[$($word),+])
            }
        }
    };
}

/// "must be one of ..."
fn one_of(words: &[&str]) -> String {
    match words {
        [only] => format!("must be {only}"),
        _ => format!("must be one of {}", words.join(", ")),
    }
}

words!(Profile {
    "keycloak" => Profile::Keycloak,
    "rfc8693" => Profile::Rfc8693,
});

impl Text for Kind {
    fn parse(text: &str) -> Result<Self, Wrong> {
        Self::from_name(text).ok_or_else(|| one_of(&Self::ALL.map(Self::name)).into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::words(&Self::ALL.map(Self::name))
    }
}

words!(Access {
    "catalog_decides" => Access::CatalogDecides,
});

/// Which metadata an issuer publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// OpenID Connect Discovery 1.0.
    Oidc,
    /// RFC 8414.
    Oauth,
}

words!(Discovery {
    "oidc" => Discovery::Oidc,
    "oauth" => Discovery::Oauth,
});

/// How a client secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// RFC 6749 section 2.3.1, HTTP Basic.
    Basic,
    /// RFC 6749 section 2.3.1, in the body.
    Post,
}

words!(Authentication {
    "client_secret_basic" => Authentication::Basic,
    "client_secret_post" => Authentication::Post,
});

impl Text for Algorithm {
    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.eq_ignore_ascii_case("none") {
            return Err("none never verifies: anybody could write such a token".into());
        }
        if matches!(text, "HS256" | "HS384" | "HS512") {
            return Err("a symmetric algorithm never verifies: whoever can check such a token can also write it".into());
        }
        Self::from_name(text).ok_or_else(|| one_of(&Self::ALL.map(Self::name)).into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::words(&Self::ALL.map(Self::name))
    }
}

impl Listed for Algorithm {
    const NONE: &'static str = "must name at least one algorithm; no token would verify";
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for Algorithm {
    fn show(&self) -> Value {
        Value::from(self.name())
    }
}

/// Visible ASCII: what a header, a URL or the name of a cluster can bear anywhere.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `host[:port]` as it stands in `:authority`.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
            if !address.contains(':') || !address.bytes().all(hex) {
                return false;
            }
            ("", port)
        }
        None => {
            let (host, port) = text
                .find(':')
                .and_then(|at| text.split_at_checked(at))
                .unwrap_or((text, ""));
            let name =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if host.is_empty() || !host.bytes().all(name) {
                return false;
            }
            (host, port)
        }
    };
    let digits = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let in_range = |port: &str| digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0);
    host.len() <= 253 && (port.is_empty() || port.strip_prefix(':').is_some_and(in_range))
}

/// An issuer's URL (RFC 8414 section 2; OpenID Connect Core 1.0 section 2): compared with `iss`
/// character by character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerUrl {
    pub(crate) text: Rc<str>,
    pub(crate) scheme: Scheme,
    pub(crate) authority: Rc<str>,
}

impl Text for IssuerUrl {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let (scheme, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (Scheme::Https, rest),
            (_, Some(rest)) => (Scheme::Http, rest),
            _ => return Err("must be an absolute URL that begins with https:// or http://".into()),
        };
        let authority = rest
            .split_once('/')
            .map_or(rest, |(authority, _)| authority);
        if text.contains(['?', '#', '@']) {
            return Err("must have no query, fragment or user name; it is compared with `iss`, character by character".into());
        }
        if !is_authority(authority) {
            return Err("must name a host, with a port where it is not the scheme's own".into());
        }
        if !is_visible(text) || text.contains(['\\', '"', '<', '>']) {
            return Err("holds a character that no URL holds".into());
        }
        Ok(Self {
            text: text.into(),
            scheme,
            authority: authority.into(),
        })
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("URL", Some(r"^https?://[^?#@\s]+$"))
    }
}

/// Makes a type of text of one form.
macro_rules! texts {
    ($( $(#[doc = $doc:literal])+ $kind:ident($held:ty): $test:expr, $must:literal, $words:literal, $pattern:expr; )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $kind(pub(crate) $held);

        impl Text for $kind {
            fn parse(text: &str) -> Result<Self, Wrong> {
                let test: fn(&str) -> bool = $test;
                if test(text) { Ok(Self(text.into())) } else { Err($must.into()) }
            }

            #[cfg(not(target_arch = "wasm32"))]
            fn text_shape() -> Shape {
                Shape::text($words, $pattern)
            }
        }
    )+ };
}

texts! {
    /// An Envoy cluster's name.
    Cluster(Rc<str>): |text| (1..=255).contains(&text.len()) && is_visible(text),
        "must be the name of an Envoy cluster: 1 to 255 visible ASCII characters", "name of a cluster", Some("^[!-~]{1,255}$");

    /// A call's `:authority`.
    Authority(Rc<str>): is_authority,
        "must be a host, with a port where it is not the scheme's own", "host[:port]", Some("^[^/?#@\\s]+$");

    /// A path, with a query where there must be one.
    UrlPath(Rc<str>): |text| text.starts_with('/') && !text.starts_with("//") && is_visible(text) && !text.contains(['#', '\\']),
        "must be a path that begins with one slash; where it is called is told by the cluster and the authority", "path", Some("^/([^/#\\s][^#\\s]*)?$");

    /// A value of `aud`.
    Audience(String): |text| !text.is_empty() && text.trim() == text && !text.contains(char::is_control),
        "must be an audience: not empty, no space around it, no control character", "text", Some("^\\S(.*\\S)?$");

    /// `client_id`, RFC 6749 appendix A.1.
    ClientId(Rc<str>): |text| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        "must be a client id: at least one character, printable ASCII (RFC 6749 appendix A.1)", "text", Some("^[ -~]+$");

    /// `scope`, RFC 6749 section 3.3.
    Scope(String): |text| text.split(' ').all(|token| {
            !token.is_empty() && is_visible(token) && !token.contains(['"', '\\'])
        }),
        "must be scopes with one space between them (RFC 6749 section 3.3)", "text", Some("^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$");

    /// `resource`, RFC 8707 section 2.
    Resource(String): |text| is_absolute_uri(text) && !text.contains('#'),
        "must be an absolute URI without fragment (RFC 8707 section 2)", "URI", Some("^[A-Za-z][A-Za-z0-9+.-]*:[^#\\s]+$");
}

impl Listed for Audience {
    const NONE: &'static str =
        "must name at least one audience; tokens meant for somebody else would be accepted";
}

/// RFC 3986 section 4.3, as far as it matters here: a scheme, a colon, something visible.
fn is_absolute_uri(text: &str) -> bool {
    let scheme = |scheme: &str| {
        scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    };
    text.split_once(':')
        .is_some_and(|(name, rest)| scheme(name) && !rest.is_empty() && is_visible(rest))
}

/// An accepted `typ`: lower case, without `application/` (RFC 7515 section 4.1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenType(pub(crate) String);

impl Text for TokenType {
    fn parse(text: &str) -> Result<Self, Wrong> {
        if !is_visible(text) {
            return Err("must be a media type, or the empty text for tokens without `typ`".into());
        }
        let lower = text.to_ascii_lowercase();
        Ok(Self(
            lower
                .strip_prefix("application/")
                .unwrap_or(&lower)
                .to_owned(),
        ))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("text", Some("^[!-~]*$"))
    }
}

impl Listed for TokenType {
    const NONE: &'static str = "must name at least one type; no token would be accepted";
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for TokenType {
    fn show(&self) -> Value {
        Value::from(self.0.as_str())
    }
}

/// `requested_token_type` of an exchange, RFC 8693 section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestedType(pub(crate) Option<String>);

impl RequestedType {
    /// What is asked for when nothing else is configured.
    pub(crate) const ACCESS_TOKEN: &'static str = "urn:ietf:params:oauth:token-type:access_token";
}

impl From<&str> for RequestedType {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

impl Text for RequestedType {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let type_name = text.strip_prefix("urn:ietf:params:oauth:token-type:");
        if let Some("refresh_token" | "id_token" | "saml1" | "saml2") = type_name {
            return Err("must ask for an access token; a catalog takes nothing else".into());
        }
        match text {
            "none" => Ok(Self(None)),
            _ if is_absolute_uri(text) => Ok(Self(Some(text.to_owned()))),
            _ => {
                Err("must be a token type's URI (RFC 8693 section 3), or none to send none".into())
            }
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text(
            "URI or `none`",
            Some("^(none|[A-Za-z][A-Za-z0-9+.-]*:[!-~]+)$"),
        )
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for RequestedType {
    fn show(&self) -> Value {
        Value::from(self.0.as_deref().unwrap_or("none"))
    }
}

/// Text with dots between the members; or a list of the members, for names that hold dots
/// themselves (`["https://example.com/tenant"]`).
impl Field for ClaimPath {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let members = match node.value {
            Value::String(text) => text.split('.').map(str::to_owned).collect(),
            Value::Array(_) => node.elements::<String>(faults)?,
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
const SECRET_FORM: &str = "put the secret by name into the environment of the VM, secret: {env: NAME}, \
     or leave it to Envoy's credential injector, secret: injected; \
     the configuration shows in Envoy's config_dump";

/// Nothing that stands here is ever repeated, keys included: it may be the secret.
impl Field for SecretPlace {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let is_variable = |name: &str| {
            name.len() <= 128
                && name.starts_with(|char: char| char.is_ascii_uppercase() || char == '_')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let members = match node.value {
            Value::String(text) if text == "injected" => return Some(Self::Injected),
            Value::Object(members) if members.len() == 1 => members,
            _ => return node.refuse(faults, SECRET_FORM),
        };
        match members.get("env") {
            Some(Value::String(name)) if is_variable(name) => Some(Self::Environment(name.clone())),
            Some(_) => node.refuse(
                faults,
                "env must be the name of an environment variable: A-Z, 0-9 and _",
            ),
            None => node.refuse(faults, SECRET_FORM),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::secret()
    }
}

/// Parameters of an exchange that no other field covers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(pub(crate) Vec<(String, String)>);

/// What the gate sends itself (RFC 8693 section 2.1, RFC 6749 section 2.3.1, RFC 7521 section 4.2).
const OWN_PARAMETERS: [&str; 9] = [
    "grant_type",
    "subject_token",
    "subject_token_type",
    "audience",
    "resource",
    "scope",
    "requested_token_type",
    "requested_subject",
    "client_id",
];

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
        for (name, value) in node.object(faults)? {
            let path = node.path.member(name);
            if name.is_empty() || !is_visible(name) {
                faults.add(path, "is no parameter's name: visible ASCII characters");
            } else if OWN_PARAMETERS.contains(&name.as_str()) {
                faults.add(
                    path,
                    "is reserved: the gate sends it itself, or must not send it",
                );
            } else if CREDENTIALS
                .iter()
                .any(|credential| name.starts_with(credential))
            {
                faults.add(path, "is reserved: the configuration holds no credential, it shows in Envoy's config_dump");
            } else if let Some(value) = String::read(Node { path, value }, faults) {
                read.push((name.clone(), value));
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
