//! Token exchange under our rules: the call for one caller and one catalog, the key under which its
//! outcome is shared, what an answer means, and the check that makes a [`Minted`] token of it. A program may have an
//! account of its own at a catalog: then its client's credentials stand in the place of the exchange, and all else is
//! the same.

mod check;
mod gate_token;
mod grant;
mod key;
mod request;
mod sort;

use crate::config::{Client, Grant, Issuer, TokenRule};

pub use crate::dialect::Misconfiguration;
pub use check::{Minted, MintedFault, Whose, check};
pub use gate_token::{GateToken, GateTokenFault, Wanted, check_gate_token};
pub use grant::{GateGrant, GateGrantKind, NoGateCall, gate_call, gate_errors};
pub use key::{ExchangeKey, exchange_key};
pub use request::{CannotSign, Making, exchange_call};
pub use sort::{BackoffEffect, Sorted, Unavailable, sort, sort_by};

/// What goes into one exchange. Both its key and its call are made of this and of nothing else, so
/// that nothing can change a minted token without changing the key.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// [`Config::generation`](crate::config::Config::generation).
    pub generation: &'a [u8; 32],
    /// Where the token is got.
    pub issuer: &'a Issuer,
    /// The client that asks.
    pub client: &'a Client,
    /// How it asks.
    pub grant: Grant,
    /// How the wanted token is got.
    pub rule: &'a TokenRule,
    /// Name of the catalog that it is for.
    pub catalog: &'a str,
    /// Name of the tenant within whose border it will be used.
    pub tenant: Option<&'a str>,
    /// Path and query of the token endpoint, set or from metadata.
    pub token_path: &'a str,
    /// The caller's token, verified. With [`Grant::ClientCredentials`] it is not sent, but what is got lives no longer.
    pub subject_token: &'a str,
}

#[cfg(test)]
mod tests;
