//! The check that an answer of the token endpoint must pass before anything is done with its token.

use std::fmt;
use std::time::Duration;

use crate::clock::{Now, UnixTime};
use crate::config::{Config, Issuer, IssuerId, TokenRule};
use crate::dialect::Dialect;
use crate::identity::{Caller, client_of, is_access_token, is_program};
use crate::jose::{Claims, ClaimsFault, CompactJws, Fingerprint, JwsFault, KeySet, VerifyFault};
use crate::json::Value;
use crate::limits::{MINTED_SKEW, MINTED_TOKEN_BYTES};
use crate::oauth::{ExpiresIn, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT, TokenResponse, is_token68};
use crate::secret::Secret;

/// Longest `jti` that is kept, in bytes. Real ones are UUIDs with a prefix.
const JTI_BYTES: usize = 128;

const SCHEME: &str = "Bearer ";

/// A token for the catalog, in which everything was checked. Only [`check`] makes one.
#[derive(Clone, Debug)]
pub struct Minted {
    authorization: Secret<String>,
    jti: Option<String>,
    issuer: IssuerId,
    key: Fingerprint,
    expires: UnixTime,
    life: Duration,
}

impl Minted {
    /// `Bearer` and the token: the value of the one `Authorization` header that goes to the catalog.
    pub fn authorization(&self) -> &Secret<String> {
        &self.authorization
    }

    /// Its `jti`, by which the identity provider's log knows it. Printable ASCII without spaces.
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// Who made it.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// The key that proved it, one of the issuer's.
    pub fn key(&self) -> Fingerprint {
        self.key
    }

    /// Its own `exp`.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    /// How long it may be used, from the time of the check; never zero. See [`check`].
    pub fn life(&self) -> Duration {
        self.life
    }
}

/// Whose token an answer must hold.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// The caller's: the same person, or the same program.
    Callers,
    /// A client's that asked for its own account ([`Grant::ClientCredentials`](crate::config::Grant)).
    Clients {
        /// `client_id`.
        id: &'a str,
        /// Knows what marks a program's token.
        config: &'a Config,
    },
}

/// Why a token of the identity provider is not sent to the catalog. It holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MintedFault {
    /// Longer than [`MINTED_TOKEN_BYTES`].
    TooLong,
    /// It has characters that no token has, such as those that end a header.
    Characters,
    /// The answer says that it is no access token: an ID token, a refresh token, a SAML assertion.
    IssuedTokenType,
    /// The answer does not say what kind of token it is, where the dialect always does.
    NoIssuedTokenType,
    /// No signed JWT (or one that is encrypted): nothing in it can be checked.
    Opaque,
    /// A JWT that is not well-formed.
    Form(JwsFault),
    /// Its algorithm is not in the issuer's list.
    Algorithm,
    /// Its payload is no set of claims.
    Claims(ClaimsFault),
    /// Its `iss` is not the issuer's, or the caller is another issuer's.
    OtherIssuer,
    /// It names another person than the caller, or nobody.
    OtherSubject,
    /// It was not issued to the client that asked for its own account.
    OtherClient,
    /// It does not say that it is a program's, where a client asked for its own account.
    NotAPrograms,
    /// `aud` does not name the catalog.
    OtherAudience,
    /// `aud` also names the gate: whoever gets hold of the token could come back with it as a caller.
    OurAudience,
    /// It has a name as which nobody may reach the catalog (`never_as`).
    NeverAs,
    /// It is bound to its sender (`cnf`, RFC 7800): the gate cannot prove possession to the catalog.
    SenderConstrained,
    /// Its claim `typ` says that it is an ID token or the like (Keycloak).
    NotAnAccessToken,
    /// It has no `exp`.
    NoExpiry,
    /// It has expired, or its answer says so.
    Expired,
    /// It is not valid yet (`nbf`), or was issued in the future (`iat`).
    NotYetValid,
    /// The caller's own token has reached its end meanwhile, and nothing that is minted for it may
    /// live longer: the caller needs a fresh one.
    SubjectExpired,
    /// It is signed with a key that the set does not have; a newer set may.
    UnknownKey,
    /// Its signature is not the issuer's.
    Signature,
}

impl MintedFault {
    /// For people; continues "the token ...".
    pub fn describe(&self) -> String {
        match self {
            Self::TooLong => format!("is longer than {MINTED_TOKEN_BYTES} bytes"),
            Self::Characters => "has characters that no token has".to_owned(),
            Self::IssuedTokenType | Self::NotAnAccessToken => "is not an access token".to_owned(),
            Self::NoIssuedTokenType => {
                "comes without the kind of token that it is (issued_token_type)".to_owned()
            }
            Self::Opaque => "is not a signed JWT, so it cannot be checked".to_owned(),
            Self::Form(fault) => fault.to_string(),
            Self::Algorithm => {
                "is signed with an algorithm that is not accepted from this issuer".to_owned()
            }
            Self::Claims(fault) => fault.to_string(),
            Self::OtherIssuer => "is from another issuer (iss)".to_owned(),
            Self::NeverAs => "has a name as which nobody may reach the catalog".to_owned(),
            Self::OtherSubject => "does not name the person who called".to_owned(),
            Self::OtherClient => {
                "was not issued to the client that asked for it (azp, client_id)".to_owned()
            }
            Self::NotAPrograms => {
                "does not say that it is a program's, as a client's own must (programs of the issuer)".to_owned()
            }
            Self::OtherAudience => "is not meant for the catalog (aud)".to_owned(),
            Self::OurAudience => {
                "is also meant for the gate (aud), where it could be replayed".to_owned()
            }
            Self::SenderConstrained => {
                "is bound to its sender (cnf), so the gate cannot use it".to_owned()
            }
            Self::NoExpiry => "never expires (no exp)".to_owned(),
            Self::Expired => "has expired".to_owned(),
            Self::NotYetValid => "is not valid yet (nbf, iat)".to_owned(),
            Self::SubjectExpired => {
                "outlives the token that it was exchanged for, which has expired".to_owned()
            }
            Self::UnknownKey => VerifyFault::UnknownKey.to_string(),
            Self::Signature => VerifyFault::BadSignature.to_string(),
        }
    }
}

/// Continues "the token ...".
impl fmt::Display for MintedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl std::error::Error for MintedFault {}

/// Checks what the token endpoint of `issuer`, which is the one that `rule.at` names, answered for `caller` under `rule`.
/// `keys` must be those of `issuer`.
///
/// The life of the result is the least of the answer's `expires_in` (when it can be read), the time
/// to the token's own `exp`, the time to the caller's own `exp`, and the rule's `life`; less
/// [`MINTED_SKEW`], or half of it when it is shorter than two of these.
///
/// # Errors
///
/// The first check that fails, in the order below: the signature, which costs a millisecond, comes last. After
/// [`MintedFault::UnknownKey`] a newer key set may help, after the others it will not.
pub fn check(
    answer: &TokenResponse,
    rule: &TokenRule,
    issuer: &Issuer,
    keys: &KeySet,
    caller: &Caller,
    whose: Whose<'_>,
    now: Now,
) -> Result<Minted, MintedFault> {
    // 1. A value that can stand in a header, for a kind of token that can be used.
    let token = answer.access_token.expose();
    if token.len() > MINTED_TOKEN_BYTES {
        return Err(MintedFault::TooLong);
    }
    if !is_token68(token.as_bytes()) {
        return Err(MintedFault::Characters);
    }
    match answer.issued_token_type.as_deref() {
        Some(name) if !is_usable(name) => return Err(MintedFault::IssuedTokenType),
        None if issuer.profile.dialect().exchange.issued_token_type => {
            return Err(MintedFault::NoIssuedTokenType);
        }
        _ => {}
    }

    // 2. A signed JWT of this issuer.
    let jws = CompactJws::parse(token.as_bytes()).map_err(|fault| match fault {
        JwsFault::NotThreeParts | JwsFault::Encrypted => MintedFault::Opaque,
        fault => MintedFault::Form(fault),
    })?;
    let algorithm = jws
        .header()
        .algorithm()
        .filter(|algorithm| issuer.algorithms.contains(algorithm))
        .ok_or(MintedFault::Algorithm)?;
    let claims = Claims::parse(jws.payload()).map_err(MintedFault::Claims)?;
    let dialect = issuer.profile.dialect();
    let is_issuers = |iss: &str| dialect.tokens.issuer.are_one(&issuer.issuer, iss);
    if !claims.iss().is_some_and(is_issuers) {
        return Err(MintedFault::OtherIssuer);
    }

    // 3. For the person who called, for the catalog, and not for the gate. Only audiences of this
    //    issuer count: with this `iss`, those of other issuers open nothing at the gate.
    match whose {
        Whose::Callers if caller.issuer() != rule.from => return Err(MintedFault::OtherIssuer),
        Whose::Callers
            if claims.string_at(&issuer.subject_claim.0) != Some(caller.same_person())
                || !says_the_same(dialect, caller.claims(), &claims) =>
        {
            return Err(MintedFault::OtherSubject);
        }
        Whose::Clients { id, .. } if client_of(&claims) != Some(id) => {
            return Err(MintedFault::OtherClient);
        }
        Whose::Clients { config, .. }
            if !is_program(
                config,
                rule.at,
                &claims,
                &config.whos.holding(rule.at, &claims),
            ) =>
        {
            return Err(MintedFault::NotAPrograms);
        }
        Whose::Callers | Whose::Clients { .. } => {}
    }
    if !claims.audience().contains(&rule.expected_audience) {
        return Err(MintedFault::OtherAudience);
    }
    if claims
        .audience()
        .iter()
        .any(|audience| issuer.audiences.contains(audience))
    {
        return Err(MintedFault::OurAudience);
    }

    if let Some((claim, never)) = &rule.never_as
        && let Some(name) = claims.at(&claim.0)
    {
        let is_one = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| never.iter().any(|n| n == text))
        };
        if is_one(name)
            || name
                .as_array()
                .is_some_and(|names| names.iter().any(is_one))
        {
            return Err(MintedFault::NeverAs);
        }
    }

    // 4. A bearer token, an access token.
    if claims.get("cnf").is_some() {
        return Err(MintedFault::SenderConstrained);
    }
    if !is_access_token(issuer.profile, &claims) {
        return Err(MintedFault::NotAnAccessToken);
    }

    // 5. Valid now and for a while.
    let expires = claims.expires().ok_or(MintedFault::NoExpiry)?;
    let soon = now.unix.plus(issuer.leeway);
    if claims.not_before().is_some_and(|from| from > soon)
        || claims.issued_at().is_some_and(|at| at > soon)
    {
        return Err(MintedFault::NotYetValid);
    }
    let own = match answer.expires_in {
        ExpiresIn::In(said) => said.min(expires.since(now.unix)),
        ExpiresIn::Absent | ExpiresIn::Unreadable => expires.since(now.unix),
    };
    if own.is_zero() {
        return Err(MintedFault::Expired);
    }
    let subject = caller.expires().since(now.unix);
    if subject.is_zero() {
        return Err(MintedFault::SubjectExpired);
    }

    // 6. Signed by the issuer.
    let key = keys.verify(algorithm, &jws).map_err(|fault| match fault {
        VerifyFault::UnknownKey => MintedFault::UnknownKey,
        VerifyFault::AmbiguousKey | VerifyFault::BadSignature => MintedFault::Signature,
    })?;

    Ok(Minted {
        authorization: Secret::new([SCHEME, token].concat()),
        jti: claims
            .get("jti")
            .and_then(|jti| jti.as_str())
            .filter(|jti| is_jti(jti))
            .map(str::to_owned),
        issuer: rule.at,
        key,
        expires,
        life: less_skew(own.min(subject).min(rule.life)),
    })
}

/// A life that is not zero stays so.
fn less_skew(life: Duration) -> Duration {
    let half = life.checked_div(2).unwrap_or_default();
    life.saturating_sub(MINTED_SKEW.min(half))
}

/// Token types (RFC 8693 section 3) that go into `Authorization: Bearer`. Those of another namespace
/// are the server's own, and the rest of the check decides.
pub(super) fn is_usable(token_type: &str) -> bool {
    !token_type.starts_with("urn:ietf:params:oauth:token-type:")
        || matches!(token_type, TOKEN_TYPE_ACCESS_TOKEN | TOKEN_TYPE_JWT)
}

fn is_jti(text: &str) -> bool {
    (1..=JTI_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a token has whatever else says who the caller is, as the caller's own has it.
pub(super) fn says_the_same(dialect: &Dialect, caller: &Claims, claims: &Claims) -> bool {
    dialect.tokens.same.iter().all(|claim| {
        let own = caller.get(claim);
        own.is_none_or(|own| claims.get(claim) == Some(own))
    })
}
