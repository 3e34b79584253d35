//! Callers that nobody proved, for explanations. Not compiled into the filter, and not into the library without
//! the feature `cli`: what forwards requests cannot name what stands here.

use std::time::Duration;

use super::{Caller, Presented, TokenFault};
use crate::clock::UnixTime;
use crate::config::Config;
use crate::jose::{Claims, CompactJws, Fingerprint};

/// The caller that a token would make if its signature were good. Nobody looked at the signature: it says what
/// would be decided, and never that anybody is who the token says.
pub struct Unproven {
    caller: Caller,
    out_of_time: Option<TokenFault>,
}

impl Unproven {
    /// Makes every check of a subject token but that of its signature. A token out of its time is read as it was
    /// while it was good, because explanations are asked for afterwards.
    ///
    /// # Errors
    /// The first check that fails at any time.
    pub fn read(token: &[u8], config: &Config, now: UnixTime) -> Result<Self, TokenFault> {
        let (presented, out_of_time) = match Presented::inspect(token, config, now) {
            Ok(presented) => (presented, None),
            Err(
                fault @ (TokenFault::Expired { .. }
                | TokenFault::NotYetValid { .. }
                | TokenFault::IssuedInFuture { .. }),
            ) => {
                let last = last_second(token).ok_or(fault)?;
                (Presented::inspect(token, config, last)?, Some(fault))
            }
            Err(fault) => return Err(fault),
        };
        Ok(Self {
            caller: presented.proven_by(Fingerprint::OF_NO_KEY, config),
            out_of_time,
        })
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Why the token is not good now, though it was or will be.
    pub fn out_of_time(&self) -> Option<&TokenFault> {
        self.out_of_time.as_ref()
    }
}

/// The second before the token's `exp`.
fn last_second(token: &[u8]) -> Option<UnixTime> {
    let jws = CompactJws::parse(token).ok()?;
    let claims = Claims::parse(jws.payload()).ok()?;
    Some(claims.expires()?.minus(Duration::from_secs(1)))
}
