//! Who calls, proven.
//!
//! [`Presented::inspect`] makes every check of a subject token that needs no signature;
//! [`Presented::verify`] proves the signature and makes the [`Caller`]. There is no other way to one. (The
//! command-line tool has one, for explanations: `unproven` is not compiled into anything that forwards.)

mod caller;
mod fault;
mod marks;
mod presented;
mod standing;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
mod unproven;

pub use crate::jose::VerifyFault;
pub use caller::Caller;
pub use fault::TokenFault;
pub(crate) use marks::{client_of, is_program};
pub use presented::Presented;
pub(crate) use presented::is_access_token;
pub use standing::{Proof, Standing};
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub use unproven::Unproven;
