//! Why a subject token was not accepted, and how that is told to the person in front of the engine.

use std::time::Duration;

use crate::config::{Config, Issuer, IssuerId};
use crate::jose::{ClaimsFault, JwsFault};

/// Why a subject token was refused before its signature was looked at.
///
/// It holds nothing that the token says, only which of the configured issuers it claims to be from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Not a compact JWS that can be read.
    Form(JwsFault),
    /// `alg` is none that the gate ever accepts: `none`, HMAC, or unknown.
    UnknownAlgorithm,
    /// The payload is no set of claims.
    Claims(ClaimsFault),
    /// There is no `iss`.
    NoIssuer,
    /// `iss` is none of the configured issuers.
    UnknownIssuer,
    /// `alg` is not in the issuer's list.
    Algorithm {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// The header's `typ` is not in the issuer's list.
    TokenType {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// `aud` names none of the gate's audiences.
    Audience {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// There is no `exp`.
    NoExpiry {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// `exp` has passed, and the leeway with it.
    Expired {
        /// Whose token it claims to be.
        issuer: IssuerId,
        /// Time since `exp`.
        expired_for: Duration,
    },
    /// `nbf` lies in the future by more than the leeway.
    NotYetValid {
        /// Whose token it claims to be.
        issuer: IssuerId,
        /// Time until `nbf`.
        valid_in: Duration,
    },
    /// `iat` lies in the future by more than the leeway.
    IssuedInFuture {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// The token is bound to its sender (`cnf`, RFC 7800): whoever passes it on without the proof of
    /// possession is not the sender.
    SenderConstrained {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// The token was issued to the gate's own client: it is one that the gate minted, and was meant for a
    /// catalog.
    OwnClientToken {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// An ID token, a refresh token, a logout token: none of them says that its holder may call.
    NotAnAccessToken {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// `sub` is missing, empty, longer than 1 KiB or has control characters.
    Subject {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
    /// The issuer's `subject_claim` is missing, not a string, or breaks the rules of `sub`.
    Person {
        /// Whose token it claims to be.
        issuer: IssuerId,
    },
}

impl TokenFault {
    /// The issuer whose token it claims to be; `None` when that was not found out.
    pub const fn issuer(&self) -> Option<IssuerId> {
        match *self {
            Self::Form(_)
            | Self::UnknownAlgorithm
            | Self::Claims(_)
            | Self::NoIssuer
            | Self::UnknownIssuer => None,
            Self::Algorithm { issuer }
            | Self::TokenType { issuer }
            | Self::Audience { issuer }
            | Self::NoExpiry { issuer }
            | Self::Expired { issuer, .. }
            | Self::NotYetValid { issuer, .. }
            | Self::IssuedInFuture { issuer }
            | Self::SenderConstrained { issuer }
            | Self::OwnClientToken { issuer }
            | Self::NotAnAccessToken { issuer }
            | Self::Subject { issuer }
            | Self::Person { issuer } => Some(issuer),
        }
    }

    /// A sentence without its full stop, for whoever sent the token. It names what is configured here,
    /// never what stands in the token.
    pub fn describe(&self, config: &Config) -> String {
        let issuer = self
            .issuer()
            .and_then(|issuer| config.issuers.get(usize::from(issuer.0)));
        let of_issuer = |told: fn(&Issuer) -> String| issuer.map(told).unwrap_or_default();
        match self {
            Self::Form(fault) => format!("the token {fault}"),
            Self::UnknownAlgorithm => {
                "the token's signature algorithm is never accepted".to_owned()
            }
            Self::Claims(fault) => format!("the token {fault}"),
            Self::NoIssuer => "the token has no issuer (iss)".to_owned(),
            Self::UnknownIssuer => format!(
                "the token's issuer is not one of: {}",
                list(config.issuers.iter().map(|issuer| &*issuer.issuer))
            ),
            Self::Algorithm { .. } => format!(
                "the token's signature algorithm is not one of: {}",
                of_issuer(|issuer| list(
                    issuer.algorithms.iter().map(|algorithm| algorithm.name())
                ))
            ),
            Self::TokenType { .. } => format!(
                "the token's type (typ) is not one of: {}",
                of_issuer(
                    |issuer| list(issuer.token_types.iter().map(|typ| if typ.is_empty() {
                        "none"
                    } else {
                        typ
                    }))
                )
            ),
            Self::Audience { .. } => format!(
                "the token's audience is not one of: {}",
                of_issuer(|issuer| list(issuer.audiences.iter().map(String::as_str)))
            ),
            Self::NoExpiry { .. } => "the token never expires (no exp)".to_owned(),
            Self::Expired { expired_for, .. } => {
                format!("the token expired {} ago", rough(*expired_for))
            }
            Self::NotYetValid { valid_in, .. } => {
                format!("the token is not valid for another {}", rough(*valid_in))
            }
            Self::IssuedInFuture { .. } => "the token was issued in the future".to_owned(),
            Self::SenderConstrained { .. } => {
                "the token is bound to its sender (cnf), so the gate cannot pass it on".to_owned()
            }
            Self::OwnClientToken { .. } => {
                "the token was minted by the gate for a catalog".to_owned()
            }
            Self::NotAnAccessToken { .. } => "the token is not an access token".to_owned(),
            Self::Subject { .. } => "the token has no usable subject (sub)".to_owned(),
            Self::Person { .. } => format!(
                "the token has no usable claim {}, which says who the person is",
                of_issuer(|issuer| issuer.subject_claim.0.join("."))
            ),
        }
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The two greatest units: `12 s`, `3 min 5 s`, `2 h 10 min`, `41 d 3 h`.
fn rough(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let with = |great: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{great} {unit}"),
        _ => format!("{great} {unit} {small} {small_unit}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) if rest == 0 => "less than 1 s".to_owned(),
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => with(minutes, "min", rest, "s"),
        (0, _, _) => with(hours, "h", minutes, "min"),
        _ => with(days, "d", hours, "h"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::rough;

    #[test]
    fn durations_are_told_in_two_units() {
        let table = [
            (0, "less than 1 s"),
            (12, "12 s"),
            (60, "1 min"),
            (185, "3 min 5 s"),
            (7_800, "2 h 10 min"),
            (7_200, "2 h"),
            (41 * 86_400 + 3 * 3_600 + 59, "41 d 3 h"),
            (u64::MAX, "213503982334601 d 7 h"),
        ];
        for (seconds, expected) in table {
            assert_eq!(rough(Duration::from_secs(seconds)), expected);
        }
    }
}
