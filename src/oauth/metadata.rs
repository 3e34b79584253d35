//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0).

use std::fmt;

use crate::json::{self, Object, Value};
use crate::limits::{METADATA_BYTES, PATH_BYTES};

/// Where metadata lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WellKnown {
    /// OpenID Connect Discovery 1.0 section 4: appended to the issuer's path.
    OpenIdConfiguration,
    /// RFC 8414 section 3: put before the issuer's path.
    OauthAuthorizationServer,
}

/// The path of the metadata of an issuer whose URL has the path `issuer_path`. A `/` at its end is
/// taken off first (both documents ask for it).
pub fn well_known_path(issuer_path: &str, kind: WellKnown) -> String {
    let path = issuer_path.strip_suffix('/').unwrap_or(issuer_path);
    match kind {
        WellKnown::OpenIdConfiguration => format!("{path}/.well-known/openid-configuration"),
        WellKnown::OauthAuthorizationServer => {
            format!("/.well-known/oauth-authorization-server{path}")
        }
    }
}

/// What is kept of a metadata document. Of each endpoint only path and query: who is called is for
/// the configuration to say, never for a document, so an endpoint at another origin than the
/// issuer's is a fault of that endpoint (the other may still be of use).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// `jwks_uri`, as the request target of a GET.
    pub jwks_path: Result<String, EndpointFault>,
    /// `token_endpoint`, as the request target of a POST.
    pub token_path: Result<String, EndpointFault>,
}

/// Why a metadata document is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataFault {
    /// Longer than [`METADATA_BYTES`].
    TooLarge,
    /// Not one JSON object without repeated members.
    NotJson,
    /// No `issuer`, or one that is no text.
    IssuerMissing,
    /// `issuer` is not equal, character by character, to the one that was asked for (RFC 8414
    /// section 3.3): another server answers here.
    OtherIssuer,
}

/// Why an endpoint of a metadata document is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    /// The document does not name it.
    Missing,
    /// Not an absolute `http` or `https` URL in the characters of RFC 3986, without user and
    /// fragment, of a sane length.
    NotAUrl,
    /// Its scheme, host or port differ from the issuer's.
    OtherOrigin,
}

impl fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the document is too long",
            Self::NotJson => "the document is not a JSON object with distinct members",
            Self::IssuerMissing => "the document names no `issuer`",
            Self::OtherIssuer => "the document's `issuer` differs from the configured one",
        })
    }
}

impl fmt::Display for EndpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is not in the issuer's metadata",
            Self::NotAUrl => "is not an http or https URL",
            Self::OtherOrigin => "is at another scheme, host or port than the issuer",
        })
    }
}

impl std::error::Error for MetadataFault {}
impl std::error::Error for EndpointFault {}

impl Metadata {
    /// Reads the document that the issuer `issuer` (its exact URL) gave.
    pub fn read(document: &[u8], issuer: &str) -> Result<Self, MetadataFault> {
        if document.len() > METADATA_BYTES {
            return Err(MetadataFault::TooLarge);
        }
        let members = json::parse_object(document).map_err(|_| MetadataFault::NotJson)?;
        match members.get("issuer") {
            Some(Value::String(named)) if named == issuer => {}
            Some(Value::String(_)) => return Err(MetadataFault::OtherIssuer),
            _ => return Err(MetadataFault::IssuerMissing),
        }
        let origin = Url::parse(issuer).map(|url| url.origin);
        Ok(Self {
            jwks_path: endpoint(&members, "jwks_uri", origin.as_ref()),
            token_path: endpoint(&members, "token_endpoint", origin.as_ref()),
        })
    }
}

fn endpoint(
    members: &Object,
    name: &str,
    issuer: Option<&Origin>,
) -> Result<String, EndpointFault> {
    let text = match members.get(name) {
        None | Some(Value::Null) => return Err(EndpointFault::Missing),
        Some(Value::String(text)) => text,
        Some(_) => return Err(EndpointFault::NotAUrl),
    };
    let url = Url::parse(text).ok_or(EndpointFault::NotAUrl)?;
    if issuer != Some(&url.origin) {
        return Err(EndpointFault::OtherOrigin);
    }
    Ok(url.target)
}

/// An `http` or `https` URL, as far as it matters here. The `url` crate would add IDNA tables of
/// some hundred kilobytes to the module, for hosts that are only compared.
struct Url {
    origin: Origin,
    /// Path and query; begins with `/`.
    target: String,
}

/// RFC 6454 section 4.
#[derive(PartialEq, Eq)]
struct Origin {
    tls: bool,
    /// Lower case; an IPv6 address stands in its brackets.
    host: String,
    port: u16,
}

impl Url {
    /// RFC 3986 section 3 without user information and fragment, and no longer than [`PATH_BYTES`].
    fn parse(text: &str) -> Option<Self> {
        if text.len() > PATH_BYTES || !text.bytes().all(is_url_byte) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let tls = if scheme.eq_ignore_ascii_case("https") {
            true
        } else if scheme.eq_ignore_ascii_case("http") {
            false
        } else {
            return None;
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of `[::1]` is inside of the brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = match port {
            None | Some("") => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
        };
        if !is_host(host) {
            return None;
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Some(Self {
            origin: Origin {
                tls,
                host: host.to_ascii_lowercase(),
                port,
            },
            target: format!("{slash}{target}"),
        })
    }
}

/// Unreserved and reserved characters and `%` (RFC 3986 section 2), without `#` (a fragment).
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// A name or an address, written out: no `@`, no percent-encoding.
fn is_host(host: &str) -> bool {
    let (name, extra): (&str, &[u8]) = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => (address, b":."),
        None => (host, b"-._"),
    };
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_paths() {
        use WellKnown::{OauthAuthorizationServer as Oauth, OpenIdConfiguration as OpenId};
        let cases = [
            // OpenID Connect Discovery 1.0 section 4.1, both examples
            ("", OpenId, "/.well-known/openid-configuration"),
            (
                "/issuer1",
                OpenId,
                "/issuer1/.well-known/openid-configuration",
            ),
            ("/", OpenId, "/.well-known/openid-configuration"),
            (
                "/realms/lake",
                OpenId,
                "/realms/lake/.well-known/openid-configuration",
            ),
            (
                "/realms/lake/",
                OpenId,
                "/realms/lake/.well-known/openid-configuration",
            ),
            // RFC 8414 section 3.1, both examples
            ("", Oauth, "/.well-known/oauth-authorization-server"),
            (
                "/issuer1",
                Oauth,
                "/.well-known/oauth-authorization-server/issuer1",
            ),
            ("/", Oauth, "/.well-known/oauth-authorization-server"),
            (
                "/a/b/",
                Oauth,
                "/.well-known/oauth-authorization-server/a/b",
            ),
        ];
        for (path, kind, expected) in cases {
            assert_eq!(well_known_path(path, kind), expected, "{path:?} {kind:?}");
        }
    }

    fn document(issuer: &str, jwks_uri: &str) -> String {
        format!(
            r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}","token_endpoint":"{issuer}/token?a=b"}}"#
        )
    }

    #[test]
    fn endpoints_are_kept_as_path_and_query_of_the_issuers_origin() {
        use EndpointFault::*;
        let issuer = "https://idp.example.com/realms/lake";
        let cases: &[(&str, Result<&str, EndpointFault>)] = &[
            (
                "https://idp.example.com/realms/lake/certs",
                Ok("/realms/lake/certs"),
            ),
            (
                "https://idp.example.com/keys?v=2&x=%2F",
                Ok("/keys?v=2&x=%2F"),
            ),
            ("https://idp.example.com:443/keys", Ok("/keys")),
            ("HTTPS://IDP.Example.Com/keys", Ok("/keys")),
            ("https://idp.example.com", Ok("/")),
            ("https://idp.example.com?x", Ok("/?x")),
            ("http://idp.example.com/keys", Err(OtherOrigin)),
            ("http://idp.example.com:443/keys", Err(OtherOrigin)),
            ("https://idp.example.com:8443/keys", Err(OtherOrigin)),
            ("https://www.example.com/keys", Err(OtherOrigin)),
            ("https://idp.example.com.evil.org/keys", Err(OtherOrigin)),
            ("https://169.254.169.254/keys", Err(OtherOrigin)),
            ("https://idp.example.com@evil.org/keys", Err(NotAUrl)),
            ("https://evil.org#@idp.example.com/keys", Err(NotAUrl)),
            ("https://idp.example.com/keys#x", Err(NotAUrl)),
            ("https://idp.example.com/k ys", Err(NotAUrl)),
            ("https://idp.example.com/k\\\\ys", Err(NotAUrl)),
            ("https://idp.example.com/k\\r\\nx: y", Err(NotAUrl)),
            ("https://idp.example.com/\\u00e9", Err(NotAUrl)),
            ("https://idp.example.com:99999/keys", Err(NotAUrl)),
            ("https://idp.example.com:+443/keys", Err(NotAUrl)),
            ("https://", Err(NotAUrl)),
            ("file:///etc/passwd", Err(NotAUrl)),
            ("/keys", Err(NotAUrl)),
            ("", Err(NotAUrl)),
        ];
        for (jwks_uri, expected) in cases {
            let metadata = Metadata::read(document(issuer, jwks_uri).as_bytes(), issuer).unwrap();
            assert_eq!(
                metadata.jwks_path.as_deref(),
                expected.as_ref().copied(),
                "{jwks_uri}"
            );
            assert_eq!(metadata.token_path.as_deref(), Ok("/realms/lake/token?a=b"));
        }
    }

    #[test]
    fn addresses_have_origins_too() {
        for (issuer, jwks_uri) in [
            (
                "http://127.0.0.1:18080/realms/lake",
                "http://127.0.0.1:18080/certs",
            ),
            ("http://[::1]:18080/realms/lake", "http://[::1]:18080/certs"),
            ("http://[::1]", "http://[::1]:80/certs"),
        ] {
            let metadata = Metadata::read(document(issuer, jwks_uri).as_bytes(), issuer).unwrap();
            assert_eq!(metadata.jwks_path.as_deref(), Ok("/certs"), "{issuer}");
        }
    }

    #[test]
    fn the_issuer_is_equal_character_by_character() {
        let issuer = "https://idp.example.com/realms/lake";
        for other in [
            "https://idp.example.com/realms/lake/",
            "https://idp.example.com:443/realms/lake",
            "https://IDP.example.com/realms/lake",
            "https://idp.example.com/realms/Lake",
            "https://idp.example.com/realms/lak",
            "",
        ] {
            let document = document(other, "https://idp.example.com/keys");
            assert_eq!(
                Metadata::read(document.as_bytes(), issuer),
                Err(MetadataFault::OtherIssuer),
                "{other}"
            );
        }
    }

    #[test]
    fn what_is_no_metadata() {
        use MetadataFault::*;
        let cases: &[(&str, MetadataFault)] = &[
            ("", NotJson),
            ("<html>", NotJson),
            ("[]", NotJson),
            (r#"{"issuer":"https://a","issuer":"https://a"}"#, NotJson),
            ("{}", IssuerMissing),
            (r#"{"issuer":null}"#, IssuerMissing),
            (r#"{"issuer":["https://a"]}"#, IssuerMissing),
            (r#"{"Issuer":"https://a"}"#, IssuerMissing),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Metadata::read(text.as_bytes(), "https://a"),
                Err(*expected),
                "{text}"
            );
        }
        assert_eq!(
            Metadata::read(&vec![b' '; 65_537], "https://a"),
            Err(TooLarge)
        );
        assert_eq!(
            Metadata::read(
                br#"{"issuer":"https://a","jwks_uri":null,"token_endpoint":7}"#,
                "https://a"
            ),
            Ok(Metadata {
                jwks_path: Err(EndpointFault::Missing),
                token_path: Err(EndpointFault::NotAUrl)
            })
        );
    }
}
