//! Every way in which the gate says no: its name, who can mend it, and what the client sees.
//!
//! One table, one total mapping. A name, once released, keeps its meaning: people write alerts on it.

use std::borrow::Cow;
use std::time::Duration;

use crate::exchange::MintedFault;
use crate::iceberg::{ErrorType, PathFault, error_body};
use crate::identity::TokenFault;
use crate::jose::{JwsFault, VerifyFault};
use crate::oauth::{BearerError, BearerFault, ErrorCode, OAuthError, www_authenticate};
use crate::wire::Reply;

/// Who can mend what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The one who calls, or the engine: another token, another path.
    Caller,
    /// The identity provider is down, slow, or answers what it must not.
    IdentityProvider,
    /// Whoever configured the gate or its client at the identity provider.
    Operator,
    /// The catalog is down, or answers what it must not.
    Catalog,
    /// The gate: it is full.
    Us,
}

/// What kind of answer a refusal is. The status follows from it, and for [`Answer::Later`] also
/// from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 400: asking again in the same words will not help.
    BadRequest,
    /// 401 without an `error` parameter: there was no token at all (RFC 6750 section 3.1).
    NoToken,
    /// 401 `invalid_token`: a fresh token helps.
    BadToken,
    /// 403: this person, with any token, may not.
    Forbidden,
    /// 404.
    NotFound,
    /// 404 as for a view that does not exist.
    NoView,
    /// 503 for reads and 429 for everything else, with `Retry-After`: nothing was forwarded, so a
    /// commit must not end in an unknown state (5xx is read that way by three clients).
    Later,
    /// An error of a token endpoint (RFC 6749 section 5.2).
    OAuth(ErrorCode),
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $culprit:ident, $answer:ident $(($code:expr))?;)+) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
            /// The path could be read in two ways, is no legal path, or names no operation.
            Path(PathFault),
        }

        const OWN: &[Reason] = &[$(Reason::$variant),+];

        /// The same names in the same order, without what makes a [`Reason`] more than a number.
        enum Position { $($variant,)+ Path }

        impl Reason {
            /// Its name in metrics, access logs and log lines.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ Self::Path(fault) => fault.name() }
            }

            /// Who can mend it.
            pub const fn culprit(self) -> Culprit {
                match self { $(Self::$variant => Culprit::$culprit,)+ Self::Path(_) => Culprit::Caller }
            }

            /// What kind of answer it is.
            pub const fn answer(self) -> Answer {
                match self {
                    $(Self::$variant => Answer::$answer $(($code))?,)+
                    Self::Path(fault) if fault.is_unknown() => Answer::NotFound,
                    Self::Path(_) => Answer::BadRequest,
                }
            }

            /// Its position in [`all`](Self::all).
            pub const fn position(self) -> usize {
                match self {
                    $(Self::$variant => Position::$variant as usize,)+
                    Self::Path(fault) => (Position::Path as usize).saturating_add(fault as usize),
                }
            }

            /// What it means, for the reference in the docs.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ Self::Path(fault) => fault.describe() }
            }
        }
    };
}

reasons! {
    // Read
    /// The request's head lacks a method or a path, or its block is cut off.
    MalformedHead = "malformed_head", Caller, BadRequest;
    /// The request asks for another protocol (`Upgrade`, extended CONNECT).
    UpgradeRefused = "upgrade_refused", Caller, BadRequest;
    /// There is no `Authorization` header.
    TokenMissing = "token_missing", Caller, NoToken;
    /// `Authorization: Bearer` without a token.
    TokenEmpty = "token_empty", Caller, NoToken;
    /// Another scheme than Bearer (Basic, DPoP, ...).
    SchemeNotBearer = "scheme_not_bearer", Caller, NoToken;
    /// More than one credential: repeated or comma-joined `Authorization`.
    CredentialsSeveral = "credentials_several", Caller, BadRequest;
    /// What follows `Bearer` is no token68 (RFC 7235 section 2.1).
    TokenMalformed = "token_malformed", Caller, BadRequest;
    /// The token is longer than 16 KiB.
    TokenTooLong = "token_too_long", Caller, BadRequest;
    // Parse
    /// The path lies outside of every catalog's base path.
    PathOutside = "path_outside", Caller, NotFound;
    /// The token endpoint is known but not answered.
    TokenEndpointOff = "token_endpoint_off", Caller, OAuth(ErrorCode::UnsupportedGrantType);
    // Token endpoint
    /// The request for a token is not well-formed.
    TokenRequestMalformed = "token_request_malformed", Caller, OAuth(ErrorCode::InvalidRequest);
    /// The token endpoint does not know the grant type, or is not set up for it.
    GrantTypeUnsupported = "grant_type_unsupported", Caller, OAuth(ErrorCode::UnsupportedGrantType);
    /// A scope that the configuration does not list is asked for.
    ScopeUnknown = "scope_unknown", Caller, OAuth(ErrorCode::InvalidScope);
    /// Client id and secret are missing or not well-formed.
    LoginMalformed = "login_malformed", Caller, OAuth(ErrorCode::InvalidClient);
    /// No service logs in by this client id.
    LoginUnknown = "login_unknown", Caller, OAuth(ErrorCode::InvalidClient);
    /// The identity provider does not accept this client id with this secret.
    LoginRefused = "login_refused", Caller, OAuth(ErrorCode::InvalidClient);
    /// Too many logins of one client id with wrong secrets.
    LoginTries = "login_tries", Caller, Later;
    /// The actor is no program that may act for others.
    ActorRefused = "actor_refused", Caller, OAuth(ErrorCode::UnauthorizedClient);
    /// The program may not speak for this person, or there is no such person.
    NameRefused = "name_refused", Caller, OAuth(ErrorCode::InvalidGrant);
    /// The subject token is none that is exchanged here.
    SubjectTokenRefused = "subject_token_refused", Caller, OAuth(ErrorCode::InvalidGrant);
    /// The session of a person or a program has ended, and is not prolonged.
    SessionOver = "session_over", Caller, OAuth(ErrorCode::InvalidGrant);
    /// A session that only the gate knows of is prolonged without the engine's own proof.
    SessionUnproven = "session_unproven", Caller, OAuth(ErrorCode::InvalidGrant);
    /// The token that the identity provider made for the gate must not be given out.
    GateTokenUnfit = "gate_token_unfit", Operator, Later;
    // Verify
    /// The token is no well-formed compact JWS with a JSON object as claims.
    JwtMalformed = "jwt_malformed", Caller, BadToken;
    /// The token's algorithm is not accepted (`none` and HMAC never are).
    AlgorithmRefused = "algorithm_refused", Caller, BadToken;
    /// The token's header has `crit` or `b64`.
    CriticalHeader = "critical_header", Caller, BadToken;
    /// The token is of another type than an access token.
    TokenTypeRefused = "token_type_refused", Caller, BadToken;
    /// The token's issuer is not configured.
    IssuerUnknown = "issuer_unknown", Caller, BadToken;
    /// The token is meant for somebody else.
    AudienceMismatch = "audience_mismatch", Caller, BadToken;
    /// The token has expired.
    TokenExpired = "token_expired", Caller, BadToken;
    /// The token is not valid yet, or issued in the future.
    TokenNotYetValid = "token_not_yet_valid", Caller, BadToken;
    /// The token is bound to a key of its sender (`cnf`), which a proxy cannot prove.
    SenderConstrained = "sender_constrained", Caller, BadToken;
    /// The token was minted by the gate's own client.
    OwnClientToken = "own_client_token", Caller, BadToken;
    /// A claim that the gate needs is missing or of the wrong type.
    ClaimMalformed = "claim_malformed", Caller, BadToken;
    /// The token's key is not in the issuer's key set.
    KeyUnknown = "key_unknown", Caller, BadToken;
    /// The signature does not verify.
    SignatureBad = "signature_bad", Caller, BadToken;
    /// The issuer's keys could not be fetched (yet).
    KeysUnavailable = "keys_unavailable", IdentityProvider, Later;
    // Policy
    /// The catalog does not serve callers of this issuer.
    IssuerNotServed = "issuer_not_served", Caller, Forbidden;
    /// The operator denies this caller everything (`denied`).
    CallerDenied = "caller_denied", Caller, Forbidden;
    /// A program calls that is not listed under `services`.
    ProgramNotListed = "program_not_listed", Caller, Forbidden;
    /// A program calls by another connection than the one whose certificate names its `peer`.
    ProgramPeer = "program_peer", Caller, Forbidden;
    /// A program does what its `may` does not have. An engine may have gone on as its own account, because a person's
    /// token has expired.
    ServiceMayNot = "service_may_not", Caller, Forbidden;
    /// The caller belongs to no tenant.
    TenantNone = "tenant_none", Caller, Forbidden;
    /// The request names a warehouse that is not within the caller's tenant's border, whether there is one of that
    /// name or not.
    OutsideBorder = "outside_border", Caller, Forbidden;
    /// `/v1/config` is asked without a warehouse, and the catalog's default is not the tenant's.
    WarehouseMissing = "warehouse_missing", Caller, BadRequest;
    /// A signature is asked for without a prefix, so that nobody knows for which tenant's files.
    SignWithoutPrefix = "sign_without_prefix", Caller, Forbidden;
    /// The catalog gives one prefix to two warehouses, so that it leads to neither.
    PrefixShared = "prefix_shared", Operator, Forbidden;
    /// The catalog did not tell the prefix of a warehouse.
    PrefixUnavailable = "prefix_unavailable", Catalog, Later;
    /// A name that the catalog would read as an expression (`t@reference`).
    NameExpression = "name_expression", Caller, Forbidden;
    /// No grant allows it.
    GrantMissing = "grant_missing", Caller, Forbidden;
    /// A grant denies it.
    GrantDenied = "grant_denied", Caller, Forbidden;
    /// A view that may not be loaded, of a name whose table may be.
    ViewHidden = "view_hidden", Caller, NoView;
    /// A table or view would come to a place where the caller may do more with it.
    GrantWidened = "grant_widened", Caller, Forbidden;
    /// The token leaves out a claim by which a grant denies.
    ClaimLeftOut = "claim_left_out", Operator, Forbidden;
    /// The client asks for credentials or signatures that no grant allows (`delegation: refuse`).
    DelegationRefused = "delegation_refused", Caller, Forbidden;
    /// A storage location outside of the tenant's.
    LocationOutside = "location_outside", Caller, Forbidden;
    /// Existing files are registered for a tenant without `locations`.
    RegisterWithoutLocations = "register_without_locations", Caller, Forbidden;
    /// A view would be run as somebody else than the one who writes it (`view_owner: caller`).
    ViewOwner = "view_owner", Caller, Forbidden;
    /// The query is asked in a way that two readers could understand differently.
    QueryAmbiguous = "query_ambiguous", Caller, BadRequest;
    // Body
    /// A rule depends on the request's body, and it cannot be read.
    BodyUnreadable = "body_unreadable", Caller, BadRequest;
    /// A rule depends on the request's body, and it is encoded or of another character set than UTF-8.
    BodyEncoded = "body_encoded", Caller, BadRequest;
    /// A rule depends on the request's body, and it is longer than `limits.request_body`.
    BodyTooLarge = "body_too_large", Caller, BadRequest;
    /// The body names another object than the path.
    BodyContradictsPath = "body_contradicts_path", Caller, BadRequest;
    /// A rule depends on the request's body, and it did not come in time.
    BodyLate = "body_late", Caller, Later;
    /// A rule depends on requests' bodies, and too many are waited for already.
    BodiesFull = "bodies_full", Us, Later;
    // Exchange
    /// The tenant's exchanges of this second are used up.
    TenantExchangesFull = "tenant_exchanges_full", Us, Later;
    /// The identity provider does not accept the caller's token.
    SubjectRefused = "subject_refused", Caller, BadToken;
    /// The identity provider does not exchange for this caller.
    ExchangeForbidden = "exchange_forbidden", Caller, Forbidden;
    /// The identity provider does not accept the gate's own credential.
    ClientRefused = "client_refused", Operator, Later;
    /// The identity provider does not know what the gate asks for (audience, scope, grant, realm).
    ExchangeMisconfigured = "exchange_misconfigured", Operator, Later;
    /// The identity provider asks for fewer requests.
    IdpRateLimited = "idp_rate_limited", IdentityProvider, Later;
    /// The identity provider cannot be reached.
    IdpUnreachable = "idp_unreachable", IdentityProvider, Later;
    /// The identity provider did not answer in time.
    IdpTimeout = "idp_timeout", IdentityProvider, Later;
    /// The identity provider answered with an error of its own, or with no token response.
    IdpBroken = "idp_broken", IdentityProvider, Later;
    /// The identity provider failed a moment ago and is given a rest.
    IdpPaused = "idp_paused", IdentityProvider, Later;
    /// The request waited for the identity provider as long as it may.
    DeadlinePassed = "deadline_passed", IdentityProvider, Later;
    // Check
    /// The minted token is no JWT that could be checked.
    MintedOpaque = "minted_opaque", Operator, Later;
    /// The minted token names another person, or another program.
    MintedOtherSubject = "minted_other_subject", IdentityProvider, Later;
    /// The minted token is not meant for the catalog.
    MintedOtherAudience = "minted_other_audience", Operator, Later;
    /// The minted token has a name as which nobody may reach the catalog (`never_as`).
    MintedNeverAs = "minted_never_as", Caller, Forbidden;
    /// The minted token is also meant for the gate, where it could be replayed.
    MintedOurAudience = "minted_our_audience", Operator, Later;
    /// The minted token has expired, or lives too short to be used.
    MintedExpired = "minted_expired", IdentityProvider, Later;
    /// The minted token does not verify: signature, issuer, algorithm, form.
    MintedInvalid = "minted_invalid", IdentityProvider, Later;
    // Answer
    /// The catalog's answer to a read cannot be read, so that it may lead the client around the gate.
    AnswerUnreadable = "answer_unreadable", Catalog, Later;
    /// The catalog's answer is longer than `limits.guarded_answer`.
    AnswerTooLarge = "answer_too_large", Operator, Later;
    /// The catalog gives the client a prefix that is not within the tenant's border.
    AnswerOutsideBorder = "answer_outside_border", Operator, Later;
    /// The catalog announces another namespace separator than the configuration has, so that the gate and the
    /// catalog would read other namespaces.
    AnswerSeparator = "answer_separator", Operator, Later;
    // Bounds
    /// Too many requests wait already.
    WaitersFull = "waiters_full", Us, Later;
    /// Too many exchanges are under way already.
    ExchangesFull = "exchanges_full", Us, Later;
    /// The host did not hand over or change the request's headers.
    HostFailed = "host_failed", Us, Later;
}

impl Reason {
    /// What the grants refuse: with `report_only` it is counted, and passes.
    pub const REPORTED: [Self; 6] = [
        Self::GrantMissing,
        Self::GrantDenied,
        Self::ViewHidden,
        Self::GrantWidened,
        Self::ClaimLeftOut,
        Self::DelegationRefused,
    ];

    /// Every reason, each once.
    pub fn all() -> impl Iterator<Item = Self> {
        OWN.iter()
            .copied()
            .chain(PathFault::ALL.iter().copied().map(Self::Path))
    }
}

impl From<PathFault> for Refusal {
    fn from(fault: PathFault) -> Self {
        Self::new(Reason::Path(fault), fault.describe())
    }
}

impl From<&TokenFault> for Reason {
    fn from(fault: &TokenFault) -> Self {
        match fault {
            TokenFault::Form(JwsFault::TooLong) => Self::TokenTooLong,
            TokenFault::Form(JwsFault::Critical | JwsFault::EmbeddedKey) => Self::CriticalHeader,
            TokenFault::Form(JwsFault::Unsigned)
            | TokenFault::UnknownAlgorithm
            | TokenFault::Algorithm { .. } => Self::AlgorithmRefused,
            TokenFault::Form(_) => Self::JwtMalformed,
            TokenFault::NoIssuer | TokenFault::UnknownIssuer => Self::IssuerUnknown,
            TokenFault::TokenType { .. } | TokenFault::NotAnAccessToken { .. } => {
                Self::TokenTypeRefused
            }
            TokenFault::Audience { .. } => Self::AudienceMismatch,
            TokenFault::Expired { .. } => Self::TokenExpired,
            TokenFault::NotYetValid { .. } | TokenFault::IssuedInFuture { .. } => {
                Self::TokenNotYetValid
            }
            TokenFault::SenderConstrained { .. } => Self::SenderConstrained,
            TokenFault::OwnClientToken { .. } => Self::OwnClientToken,
            TokenFault::Claims(_)
            | TokenFault::NoExpiry { .. }
            | TokenFault::Subject { .. }
            | TokenFault::Person { .. } => Self::ClaimMalformed,
        }
    }
}

impl From<&MintedFault> for Reason {
    fn from(fault: &MintedFault) -> Self {
        match fault {
            MintedFault::Opaque | MintedFault::IssuedTokenType | MintedFault::NotAnAccessToken => {
                Self::MintedOpaque
            }
            MintedFault::OtherSubject | MintedFault::OtherClient | MintedFault::NotAPrograms => {
                Self::MintedOtherSubject
            }
            MintedFault::OtherAudience => Self::MintedOtherAudience,
            MintedFault::OurAudience => Self::MintedOurAudience,
            MintedFault::NeverAs => Self::MintedNeverAs,
            MintedFault::NoExpiry | MintedFault::Expired | MintedFault::NotYetValid => {
                Self::MintedExpired
            }
            MintedFault::SubjectExpired => Self::TokenExpired,
            MintedFault::UnknownKey => Self::KeysUnavailable,
            MintedFault::TooLong
            | MintedFault::Characters
            | MintedFault::Form(_)
            | MintedFault::Algorithm
            | MintedFault::Claims(_)
            | MintedFault::OtherIssuer
            | MintedFault::NoIssuedTokenType
            | MintedFault::SenderConstrained
            | MintedFault::Signature => Self::MintedInvalid,
        }
    }
}

impl From<BearerFault> for Refusal {
    fn from(fault: BearerFault) -> Self {
        let (reason, sentence) = match fault {
            BearerFault::Missing => (
                Reason::TokenMissing,
                "a token is needed: send 'Authorization: Bearer <token for the gate>'",
            ),
            BearerFault::Empty => (
                Reason::TokenEmpty,
                "'Authorization: Bearer' came without a token",
            ),
            BearerFault::OtherScheme => (
                Reason::SchemeNotBearer,
                "only 'Authorization: Bearer' is accepted here, no other scheme",
            ),
            BearerFault::Several => (
                Reason::CredentialsSeveral,
                "the request carries more than one credential: send exactly one",
            ),
            BearerFault::Malformed => (Reason::TokenMalformed, "what follows 'Bearer' is no token"),
            BearerFault::TooLong => (Reason::TokenTooLong, "the token is longer than 16 KiB"),
        };
        Self::new(reason, sentence)
    }
}

impl From<VerifyFault> for Refusal {
    fn from(fault: VerifyFault) -> Self {
        let (reason, sentence) = match fault {
            VerifyFault::UnknownKey => (
                Reason::KeyUnknown,
                "the token was signed with a key that its issuer does not publish",
            ),
            VerifyFault::AmbiguousKey => (
                Reason::KeyUnknown,
                "the token does not say with which of its issuer's keys it was signed ('kid')",
            ),
            VerifyFault::BadSignature => (
                Reason::SignatureBad,
                "the token's signature does not verify with its issuer's keys",
            ),
        };
        Self::new(reason, sentence)
    }
}

/// A no, with what helps the person in front of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// One sentence for a person: who, what, which rule. Holds no token, no secret, and no text of
    /// the identity provider's.
    pub sentence: Cow<'static, str>,
    /// Earliest time at which another try makes sense; for [`Answer::Later`] only.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(reason: Reason, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            sentence: sentence.into(),
            retry_after: None,
        }
    }

    /// The same, not to be tried again before `pause` has passed.
    pub fn after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// The same; if it may be tried again, then not before `least` has passed.
    pub fn not_before(self, least: Duration) -> Self {
        if self.reason.answer() != Answer::Later {
            return self;
        }
        let pause = self.retry_after.unwrap_or_default();
        self.after(pause.max(least))
    }
}

/// What the answer depends on beside the refusal.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// GET or HEAD: forwarding it twice would change nothing.
    pub safe: bool,
    /// HEAD: the answer has no body.
    pub head: bool,
    /// What finds the log line.
    pub reference: &'a str,
    /// It is asked of the token endpoint, whose errors have the shape of RFC 6749.
    pub token_endpoint: bool,
    /// 0..=255, drawn for this reply: spreads the retries of many clients.
    pub jitter: u8,
}

impl Refusal {
    /// The answer's HTTP status.
    pub fn status(&self, safe: bool) -> u16 {
        match self.reason.answer() {
            Answer::BadRequest => 400,
            Answer::OAuth(code) => code.status(),
            Answer::NoToken | Answer::BadToken => 401,
            Answer::Forbidden => 403,
            Answer::NotFound | Answer::NoView => 404,
            Answer::Later if safe => 503,
            Answer::Later => 429,
        }
    }

    /// The whole answer.
    pub fn reply(&self, asked: &Asked<'_>) -> Reply {
        if asked.token_endpoint || matches!(self.reason.answer(), Answer::OAuth(_)) {
            return self.token_reply(asked);
        }
        let status = self.status(asked.safe);
        let message = format!("{} (ref {})", self.sentence, asked.reference);
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            // An answer to one person is nobody else's, whatever cache lies in between.
            ("cache-control", "no-store".to_owned()),
        ];
        let kind = match self.reason.answer() {
            Answer::BadRequest | Answer::OAuth(_) => ErrorType::BadRequest,
            Answer::NoToken => {
                headers.push(("www-authenticate", www_authenticate("icegate", None)));
                ErrorType::NotAuthorized
            }
            Answer::BadToken => {
                let error = Some((BearerError::InvalidToken, &*self.sentence));
                let challenge = www_authenticate("icegate", error);
                headers.push(("www-authenticate", challenge));
                ErrorType::NotAuthorized
            }
            Answer::Forbidden => ErrorType::Forbidden,
            Answer::NotFound => ErrorType::NotFound,
            Answer::NoView => ErrorType::NoSuchView,
            Answer::Later => {
                headers.push((
                    "retry-after",
                    self.retry_after_seconds(asked.jitter).to_string(),
                ));
                if asked.safe {
                    ErrorType::ServiceUnavailable
                } else {
                    ErrorType::TooManyRequests
                }
            }
        };
        let body = if asked.head {
            Vec::new()
        } else {
            error_body(&message, kind)
        };
        Reply {
            status,
            headers,
            body,
            details: self.reason.name(),
        }
    }

    /// The answer of the token endpoint. While somebody else is at fault, none of the six codes fits: Iceberg clients look at
    /// the status first.
    fn token_reply(&self, asked: &Asked<'_>) -> Reply {
        let later = self.reason.answer() == Answer::Later;
        let code = match self.reason.answer() {
            Answer::OAuth(code) => code,
            Answer::NoToken => ErrorCode::InvalidClient,
            Answer::BadToken | Answer::Forbidden => ErrorCode::InvalidGrant,
            Answer::BadRequest | Answer::NotFound | Answer::NoView | Answer::Later => {
                ErrorCode::InvalidRequest
            }
        };
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("pragma", "no-cache".to_owned()),
        ];
        if code == ErrorCode::InvalidClient {
            headers.push(("www-authenticate", r#"Basic realm="icegate""#.to_owned()));
        }
        if later {
            let seconds = self.retry_after_seconds(asked.jitter);
            headers.push(("retry-after", seconds.to_string()));
        }
        let status = match self.reason {
            Reason::LoginTries => 429,
            _ if later => 503,
            _ => code.status(),
        };
        let error = OAuthError {
            code,
            description: format!("{} (ref {})", self.sentence, asked.reference),
        };
        Reply {
            status,
            headers,
            body: match asked.head {
                true => Vec::new(),
                false => error.body(),
            },
            details: self.reason.name(),
        }
    }

    /// Whole seconds, at least one, with up to two more so that clients do not come back together.
    fn retry_after_seconds(&self, jitter: u8) -> u64 {
        let base = self.retry_after.unwrap_or_default();
        let seconds = base
            .as_secs()
            .saturating_add(u64::from(base.subsec_nanos() > 0))
            .max(1);
        seconds.saturating_add(u64::from(jitter % 3))
    }
}

/// The reply when the host failed to do what it must, such as to hand over the headers: the request is
/// not forwarded, whatever it was.
pub fn host_failed() -> Reply {
    let refusal = Refusal::new(
        Reason::HostFailed,
        "the gate could not read or rewrite this request: try again",
    );
    refusal.reply(&Asked {
        safe: false,
        head: false,
        token_endpoint: false,
        reference: "-",
        jitter: 0,
    })
}
