//! The values of the configuration that are text of one form: URLs, names, what OAuth sends.

use std::rc::Rc;

use super::model::Scheme;
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::values::{Listed, Text, Wrong};
#[cfg(not(target_arch = "wasm32"))]
use crate::json::Value;
use crate::limits;

/// Visible ASCII: what a header, a URL or the name of a cluster can bear anywhere.
pub(super) fn is_visible(text: &str) -> bool {
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

/// Text of at most so many bytes that can stand between quotes in a message.
fn is_text_up_to(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.trim() == text && !text.contains(char::is_control)
}

/// `scope-token`, RFC 6749 section 3.3.
pub(super) fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && is_visible(token) && !token.contains(['"', '\\'])
}

/// What no proxy and no server rewrites: unreserved characters (RFC 3986 section 2.3), and no dots alone.
fn is_plain_segment(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
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
            return Err("must have no query, fragment or user name; \
                 it is compared with iss, character by character"
                .into());
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
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident($held:ty) {
            test: $test:expr,
            must: $must:literal,
            shown: $words:literal, $pattern:literal $(,)?
        }
    )+) => { $(
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
                Shape::text($words, Some($pattern))
            }
        }
    )+ };
}

texts! {
    /// An Envoy cluster's name.
    Cluster(Rc<str>) {
        test: |text| (1..=255).contains(&text.len()) && is_visible(text),
        must: "must be the name of an Envoy cluster: 1 to 255 visible ASCII characters",
        shown: "name of a cluster", "^[!-~]{1,255}$",
    }

    /// A call's `:authority`.
    Authority(Rc<str>) {
        test: is_authority,
        must: "must be a host, with a port where it is not the scheme's own",
        shown: "host[:port]", "^[^/?#@\\s]+$",
    }

    /// A path, with a query where there must be one.
    UrlPath(Rc<str>) {
        test: |text| text.starts_with('/')
            && !text.starts_with("//")
            && is_visible(text)
            && !text.contains(['#', '\\']),
        must: "must be a path that begins with one slash; the host is told by the authority",
        shown: "path", "^/([^/#\\s][^#\\s]*)?$",
    }

    /// A value of `aud`.
    Audience(String) {
        test: |text| !text.is_empty() && text.trim() == text && !text.contains(char::is_control),
        must: "must be an audience: not empty, no space around it, no control character",
        shown: "text", "^\\S(.*\\S)?$",
    }

    /// The name of a warehouse, or of a branch.
    WarehouseName(Rc<str>) {
        test: |text| (1..=1024).contains(&text.len()) && !text.contains(char::is_control),
        must: "must be a name of at most 1024 bytes without control characters",
        shown: "name", "^.{1,1024}$",
    }

    /// The value of a claim.
    ClaimValue(Rc<str>) {
        test: |text| !text.is_empty() && !text.contains(char::is_control),
        must: "must be the exact value of a claim: not empty, no control character",
        shown: "text", "^.+$",
    }

    /// `client_id`, RFC 6749 appendix A.1.
    ClientId(Rc<str>) {
        test: |text| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        must: "must be a client id: printable ASCII, and not empty (RFC 6749 appendix A.1)",
        shown: "text", "^[ -~]+$",
    }

    /// A name in the certificate of a connection.
    PeerName(Rc<str>) {
        test: |text| (1..=1024).contains(&text.len()) && is_visible(text),
        must: "must be a URI or a DNS name of a certificate: 1 to 1024 visible ASCII characters",
        shown: "URI or DNS name", "^[!-~]{1,1024}$",
    }

    /// The name by which an engine knows a person.
    SpokenName(Box<str>) {
        test: |text| is_text_up_to(text, limits::SPOKEN_NAME_BYTES),
        must: "must be a person's name: not empty, at most 1024 bytes, no space around it, no control character",
        shown: "text", "^\\S(.*\\S)?$",
    }

    /// `kid` of a key, RFC 7517 section 4.5.
    KeyId(Rc<str>) {
        test: |text| (1..=128).contains(&text.len()) && is_visible(text),
        must: "must be a key's id: 1 to 128 visible ASCII characters",
        shown: "text", "^[!-~]{1,128}$",
    }

    /// A token type identifier, RFC 8693 section 3.
    TokenTypeUri(Rc<str>) {
        test: is_absolute_uri,
        must: "must be an absolute URI (RFC 8693 section 3)",
        shown: "URI", "^[A-Za-z][A-Za-z0-9+.-]*:\\S+$",
    }

    /// A path that is compared as it is.
    ExactPath(Rc<str>) {
        test: |text| text.len() <= 1024 && text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_plain_segment)),
        must: "must be a path as in \"/icegate/jwks.json\": its segments have only letters, digits, '-', '.', '_' and '~'",
        shown: "path", "^(/[A-Za-z0-9._~-]+)+$",
    }

    /// `scope`, RFC 6749 section 3.3.
    Scope(String) {
        test: |text| text.split(' ').all(is_scope_token),
        must: "must be scopes with one space between them (RFC 6749 section 3.3)",
        shown: "text", "^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$",
    }

    /// `resource`, RFC 8707 section 2.
    Resource(String) {
        test: |text| is_absolute_uri(text) && !text.contains('#'),
        must: "must be an absolute URI without fragment (RFC 8707 section 2)",
        shown: "URI", "^[A-Za-z][A-Za-z0-9+.-]*:[^#\\s]+$",
    }
}

/// A catalog's address as clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl(pub(crate) Rc<str>);

impl Text for PublicUrl {
    fn parse(text: &str) -> Result<Self, Wrong> {
        IssuerUrl::parse(text)?;
        if text.ends_with('/') {
            return Err("must not end with a slash".into());
        }
        Ok(Self(text.into()))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("URL", Some(r"^https?://[^?#@\s]*[^?#@\s/]$"))
    }
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
            return Err("must be a media type, or the empty text for tokens without typ".into());
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

/// What the identity provider knows a person by: the name as the engine says it, between these two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubjectTemplate {
    pub(crate) before: Box<str>,
    pub(crate) after: Box<str>,
}

impl SubjectTemplate {
    /// Stands for the name.
    const NAME: &'static str = "{user}";

    /// The name as it is.
    pub(crate) const AS_SAID: &'static str = Self::NAME;
}

impl From<&str> for SubjectTemplate {
    fn from(text: &str) -> Self {
        let (before, after) = text.split_once(Self::NAME).unwrap_or_default();
        Self {
            before: before.into(),
            after: after.into(),
        }
    }
}

impl Text for SubjectTemplate {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let once = text.matches(Self::NAME).count() == 1;
        if !once || !is_text_up_to(text, limits::SPOKEN_NAME_BYTES) {
            return Err("must hold {user} once, for the name as the engine says it, as in \"{user}@gate\"; \
                 at most 1024 bytes, no space around it, no control character"
                .into());
        }
        Ok(Self::from(text))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("text with `{user}`", Some(r"^.*\{user\}.*$"))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for SubjectTemplate {
    fn show(&self) -> Value {
        Value::from([&self.before, Self::NAME, &self.after].concat())
    }
}
