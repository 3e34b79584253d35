//! A token that was presented and passed every check that costs little.

use std::fmt;
use std::time::Duration;

use super::marks::{CLIENT_CLAIMS, client_of};
use super::standing::{proof, standing};
use super::{Caller, TokenFault};
use crate::clock::UnixTime;
use crate::config::{Config, Issuer, IssuerId, Profile};
use crate::jose::{Algorithm, Claims, ClaimsFault, CompactJws, Fingerprint, KeySet, VerifyFault};
use crate::json::Value;
use crate::text;

/// Longest subject, in bytes. OpenID Connect Core section 2 allows 255 characters; some servers put whole
/// distinguished names there.
const SUBJECT_BYTES: usize = 1024;

/// A subject token in which everything is as it must be, except that nobody has looked at its signature:
/// it proves nothing yet. `Debug` shows no claims.
pub struct Presented<'a> {
    jws: CompactJws<'a>,
    algorithm: Algorithm,
    issuer: IssuerId,
    claims: Claims,
    subject: String,
    name: String,
    log_name: String,
    same_person: String,
    authorized_party: Option<String>,
    expires: UnixTime,
    accepted_until: UnixTime,
}

impl<'a> Presented<'a> {
    /// Checks everything of a subject token but its signature. What a forged token can reach here costs
    /// microseconds; a signature costs a millisecond.
    ///
    /// # Errors
    ///
    /// The first check that fails, in the order below.
    pub fn inspect(token: &'a [u8], config: &Config, now: UnixTime) -> Result<Self, TokenFault> {
        // 1. Three canonical parts, a signature, a header without extensions and keys.
        let jws = CompactJws::parse(token).map_err(TokenFault::Form)?;

        // 2. An algorithm that can be verified at all: never `none`, never HMAC.
        let algorithm = jws
            .header()
            .algorithm()
            .ok_or(TokenFault::UnknownAlgorithm)?;

        // 3. Strict claims, each registered one of its type.
        let claims = Claims::parse(jws.payload()).map_err(TokenFault::Claims)?;

        // 4. The issuer, character by character; all that follows is by that issuer's rules.
        let iss = claims.iss().ok_or(TokenFault::NoIssuer)?;
        let (issuer, rules) = find_issuer(config, iss).ok_or(TokenFault::UnknownIssuer)?;

        // 5. Its algorithms and token types.
        if !rules.algorithms.contains(&algorithm) {
            return Err(TokenFault::Algorithm { issuer });
        }
        let token_type = token_type(jws.header().typ());
        if !rules.token_types.contains(&token_type) {
            return Err(TokenFault::TokenType { issuer });
        }

        // 6. Meant for the gate.
        if !claims
            .audience()
            .iter()
            .any(|audience| rules.audiences.contains(audience))
        {
            return Err(TokenFault::Audience { issuer });
        }

        // 7. Valid now: exp, nbf, iat.
        let expires = claims.expires().ok_or(TokenFault::NoExpiry { issuer })?;
        let accepted_until = expires.plus(rules.leeway);
        if now >= accepted_until {
            return Err(TokenFault::Expired {
                issuer,
                expired_for: now.since(expires),
            });
        }
        let soon = now.plus(rules.leeway);
        if let Some(not_before) = claims.not_before().filter(|not_before| *not_before > soon) {
            return Err(TokenFault::NotYetValid {
                issuer,
                valid_in: not_before.since(now),
            });
        }
        if claims.issued_at().is_some_and(|issued_at| issued_at > soon) {
            return Err(TokenFault::IssuedInFuture { issuer });
        }

        // 8. A bearer token, an access token, and not one that the gate itself got for a catalog.
        if claims.get("cnf").is_some() {
            return Err(TokenFault::SenderConstrained { issuer });
        }
        // Elsewhere the others of these claims may mean anything.
        for name in ["azp", "client_id"] {
            optional_string(&claims, name)?;
        }
        let client = client_of(&claims).map(str::to_owned);
        if is_own_client(config, iss, &claims) {
            return Err(TokenFault::OwnClientToken { issuer });
        }
        if !is_access_token(rules.profile, &claims) {
            return Err(TokenFault::NotAnAccessToken { issuer });
        }

        // 9. Somebody it is about.
        let subject = claims
            .sub()
            .filter(|text| names_somebody(text))
            .ok_or(TokenFault::Subject { issuer })?;
        let same_person = claims
            .string_at(&rules.subject_claim.0)
            .filter(|text| names_somebody(text))
            .ok_or(TokenFault::Person { issuer })?;
        let name = claims
            .string_at(&rules.name_claim.0)
            .filter(|text| !text.is_empty())
            .unwrap_or(subject);

        Ok(Self {
            algorithm,
            issuer,
            subject: subject.to_owned(),
            name: name.to_owned(),
            log_name: text::shown(name),
            same_person: same_person.to_owned(),
            authorized_party: client,
            expires,
            accepted_until,
            claims,
            jws,
        })
    }

    /// Whose keys are to prove it.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// What it claims, which nobody has proved.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The same for a token that may have expired, for as long as `most`: to tell whose it was, and for nothing else.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn inspect_expired(
        token: &'a [u8],
        config: &Config,
        now: UnixTime,
        most: Duration,
    ) -> Result<Self, TokenFault> {
        match Self::inspect(token, config, now) {
            Err(
                fault @ TokenFault::Expired {
                    issuer: _,
                    expired_for,
                },
            ) if expired_for <= most => {
                let expires = CompactJws::parse(token)
                    .ok()
                    .and_then(|jws| Claims::parse(jws.payload()).ok()?.expires());
                match expires {
                    Some(expires) => {
                        let last = expires.minus(Duration::from_secs(1));
                        Self::inspect(token, config, last)
                    }
                    None => Err(fault),
                }
            }
            outcome => outcome,
        }
    }

    /// The key that it names.
    pub fn kid(&self) -> Option<&str> {
        self.jws.header().kid()
    }

    /// Proves the signature. `keys` must be those of [`issuer`](Self::issuer); `config` is the one that it was inspected
    /// under.
    ///
    /// # Errors
    ///
    /// After [`VerifyFault::UnknownKey`] a newer key set may help, after the others it will not.
    pub fn verify(self, config: &Config, keys: &KeySet) -> Result<Caller, VerifyFault> {
        let key = keys.verify(self.algorithm, &self.jws)?;
        Ok(self.proven_by(key, config))
    }

    /// The caller, once a key has proved it.
    pub(super) fn proven_by(self, key: Fingerprint, config: &Config) -> Caller {
        let whos = config.whos.holding(self.issuer, &self.claims);
        let client = self.authorized_party.as_deref();
        let (issuer, claims) = (self.issuer, &self.claims);
        let standing = standing(config, issuer, claims, &whos, client);
        let proof = proof(config, issuer, claims, standing, client);
        let texts = [&self.subject, &self.name, &self.log_name, &self.same_person];
        let footprint = texts
            .into_iter()
            .chain(&self.authorized_party)
            .map(String::len)
            .fold(self.claims.footprint(), usize::saturating_add)
            .saturating_add(size_of_val(&*whos));
        Caller {
            issuer: self.issuer,
            subject: self.subject,
            name: self.name,
            log_name: self.log_name,
            same_person: self.same_person,
            authorized_party: self.authorized_party,
            expires: self.expires,
            accepted_until: self.accepted_until,
            claims: self.claims,
            key,
            footprint,
            whos,
            standing,
            proof,
        }
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

fn find_issuer<'c>(config: &'c Config, iss: &str) -> Option<(IssuerId, &'c Issuer)> {
    let position = config
        .issuers
        .iter()
        .position(|issuer| *issuer.issuer == *iss)?;
    Some((
        IssuerId(u16::try_from(position).ok()?),
        config.issuers.get(position)?,
    ))
}

/// RFC 7515 section 4.1.9: a media type, compared without case, whose `application/` may be left out.
fn token_type(typ: Option<&str>) -> String {
    let typ = typ.unwrap_or_default().to_ascii_lowercase();
    typ.strip_prefix("application/")
        .map(str::to_owned)
        .unwrap_or(typ)
}

/// A claim that the token need not have must be a string if it has it.
fn optional_string(claims: &Claims, name: &'static str) -> Result<(), TokenFault> {
    match claims.get(name) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(TokenFault::Claims(ClaimsFault::WrongType(name))),
    }
}

/// Whether the token was issued to a client with which the gate exchanges tokens at this issuer: it would
/// otherwise prolong itself at the gate for ever.
fn is_own_client(config: &Config, iss: &str, claims: &Claims) -> bool {
    let own = |client: &str| {
        let mut of_issuer = config
            .issuers
            .iter()
            .filter(|issuer| *issuer.issuer == *iss);
        of_issuer.any(|issuer| issuer.client.as_ref().is_some_and(|own| *own.id == *client))
    };
    CLIENT_CLAIMS
        .iter()
        .filter_map(|name| claims.get(name)?.as_str())
        .any(own)
}

/// Whether the claim by which the dialect tells access tokens from others says that this is one.
pub(crate) fn is_access_token(profile: Profile, claims: &Claims) -> bool {
    let Some((claim, kind)) = profile.dialect().tokens.access_token else {
        return true;
    };
    let says = |value: &Value| {
        let text = value.as_str();
        text.is_some_and(|text| text.eq_ignore_ascii_case(kind))
    };
    claims.get(claim).is_none_or(says)
}

fn names_somebody(text: &str) -> bool {
    !text.is_empty() && text.len() <= SUBJECT_BYTES && !text.chars().any(char::is_control)
}
