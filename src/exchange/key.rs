//! The exchange key: which exchanges are one and the same.

use std::fmt;

use hmac_sha256::HMAC;

use super::Inputs;
use super::request::subject_token_type;
use crate::config::{Client, ClientAuthentication, Endpoint, Grant, Scheme, TokenRule};

/// Digest over everything that changes a minted token. Exchanges with the same key share one flight and one outcome.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeKey([u8; 32]);

impl ExchangeKey {
    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The first four bytes, to tell flights apart in a log.
impl fmt::Debug for ExchangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExchangeKey(")?;
        for byte in self.0.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// The key of an exchange under `secret`: 32 random bytes, drawn at start, so that nobody who sees a
/// key can test guesses at what went into it.
pub fn exchange_key(secret: &[u8; 32], inputs: &Inputs<'_>) -> ExchangeKey {
    let mut mac = HMAC::new(secret);
    encode(inputs, &mut |part| mac.update(part));
    ExchangeKey(mac.finalize())
}

/// Writes every input of an exchange so that different inputs make different bytes: every text
/// stands behind its length, every list and every optional value behind its count, both as 64 bits
/// big endian. All structs are taken apart in full: a new field does not compile until it is either
/// written here or said to be irrelevant. (Of the issuer only the name, the URL and the profile reach
/// the exchange; the rest is about tokens that come in. A profile says all that it says by its name.)
fn encode(inputs: &Inputs<'_>, sink: &mut impl FnMut(&[u8])) {
    let Inputs {
        generation,
        issuer,
        client,
        grant,
        rule,
        catalog,
        tenant,
        token_path,
        subject_token,
    } = inputs;
    let Client {
        id,
        authentication,
        // As it is sent.
        subject_token_type: _,
        endpoint:
            Endpoint {
                cluster,
                authority,
                scheme,
            },
    } = client;
    let TokenRule {
        // The subject token says whose it is.
        from: _,
        // The issuer stands here by name and URL.
        at: _,
        audiences,
        expected_audience,
        resources,
        scope,
        requested_token_type,
        parameters,
        // How long a token is kept does not change it, and the generation covers it.
        life: _,
        // What a minted token must not say does not change it, and the generation covers it.
        never_as: _,
    } = rule;

    let mut text = |part: &[u8]| {
        sink(&length(part.len()));
        sink(part);
    };
    text(subject_token.as_bytes());
    text(issuer.name.as_bytes());
    text(issuer.issuer.as_bytes());
    let dialect = issuer.profile.dialect();
    text(dialect.name.as_bytes());
    text(match grant {
        Grant::Exchange => dialect.exchange.words.grant_type.as_bytes(),
        Grant::ClientCredentials => b"client_credentials",
    });
    text(cluster.as_bytes());
    text(match scheme {
        Scheme::Http => b"http",
        Scheme::Https => b"https",
    });
    text(authority.as_bytes());
    text(token_path.as_bytes());
    text(id.as_bytes());
    let public;
    let (method, secret, audience): (&[u8], &[u8], _) = match authentication {
        ClientAuthentication::SecretBasic(secret) => (b"basic", secret.expose().as_bytes(), None),
        ClientAuthentication::SecretPost(secret) => (b"post", secret.expose().as_bytes(), None),
        // What is signed differs from call to call, and the token that comes of it does not. The public half tells which
        // key it is.
        ClientAuthentication::PrivateKeyJwt { key, audience } => {
            public = key.key.public_jwk(&key.id);
            (b"key", public.as_bytes(), audience.as_deref())
        }
        ClientAuthentication::TlsClientAuth => (b"certificate", b"", None),
        ClientAuthentication::Injected => (b"injected", b"", None),
    };
    text(method);
    text(secret);
    text(catalog.as_bytes());
    text(expected_audience.as_bytes());
    text(generation.as_slice());
    list(audience.into_iter(), sink);
    list(subject_token_type(dialect, client).into_iter(), sink);
    list(tenant.iter().copied(), sink);
    list(audiences.iter().map(String::as_str), sink);
    list(resources.iter().map(String::as_str), sink);
    list(scope.as_deref().into_iter(), sink);
    list(requested_token_type.as_deref().into_iter(), sink);
    list(parameters.iter().map(|(name, _)| name.as_str()), sink);
    list(parameters.iter().map(|(_, value)| value.as_str()), sink);
}

fn list<'a>(parts: impl Iterator<Item = &'a str> + Clone, sink: &mut impl FnMut(&[u8])) {
    sink(&length(parts.clone().count()));
    for part in parts {
        sink(&length(part.len()));
        sink(part.as_bytes());
    }
}

/// A `usize` has at most 64 bits on every target of Rust.
fn length(of: usize) -> [u8; 8] {
    u64::try_from(of).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::tests::Parts;

    fn encoding(parts: &Parts) -> Vec<u8> {
        let mut bytes = Vec::new();
        parts.with(|inputs| encode(inputs, &mut |part| bytes.extend_from_slice(part)));
        bytes
    }

    fn key(secret: u8, parts: &Parts) -> ExchangeKey {
        parts.with(|inputs| exchange_key(&[secret; 32], inputs))
    }

    #[test]
    fn each_input_changes_the_key() {
        let base = Parts::default();
        let mut keys = vec![key(1, &base)];
        for change in Parts::changes() {
            let mut parts = Parts::default();
            change(&mut parts);
            keys.push(key(1, &parts));
        }
        for (place, one) in keys.iter().enumerate() {
            assert!(
                !keys.iter().skip(place + 1).any(|other| other == one),
                "change {place} changes no key"
            );
        }
        assert_eq!(keys[0], key(1, &Parts::default()));
        assert_ne!(keys[0], key(2, &Parts::default()));
    }

    #[test]
    fn nothing_moves_over_from_its_neighbour() {
        let with = |change: fn(&mut Parts)| {
            let mut parts = Parts::default();
            change(&mut parts);
            key(1, &parts)
        };
        assert_ne!(
            with(|p| (p.subject_token, p.issuer_name) = ("ab".into(), "c".into())),
            with(|p| (p.subject_token, p.issuer_name) = ("a".into(), "bc".into()))
        );
        assert_ne!(
            with(|p| (p.audiences, p.resources) = (vec!["a".into(), "b".into()], vec![])),
            with(|p| (p.audiences, p.resources) = (vec!["a".into()], vec!["b".into()]))
        );
        assert_ne!(
            with(|p| p.audiences = vec!["ab".into()]),
            with(|p| p.audiences = vec!["a".into(), "b".into()])
        );
        assert_ne!(
            with(|p| p.scope = None),
            with(|p| p.scope = Some(String::new()))
        );
        assert_ne!(
            with(|p| (p.scope, p.requested_token_type) = (Some("x".into()), None)),
            with(|p| (p.scope, p.requested_token_type) = (None, Some("x".into())))
        );
    }

    #[test]
    fn debug_shows_too_little_to_be_a_key() {
        let key = ExchangeKey([0xab; 32]);
        assert_eq!(format!("{key:?}"), "ExchangeKey(abababab)");
    }

    proptest! {
        #[test]
        fn different_inputs_have_different_encodings(one: Parts, other: Parts) {
            prop_assert_eq!(one == other, encoding(&one) == encoding(&other));
            prop_assert_eq!(one == other, key(1, &one) == key(1, &other));
        }
    }
}
