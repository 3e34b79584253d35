//! The broker in a world of its own: simulated clocks, scripted identity providers, any number of
//! requests, and the invariants of `docs/design.md` after every step. In the manner of quinn-proto's `Pair`.
//!
//! Nothing here asks a clock or a source of randomness: the same story ends the same way every time. A fuzz
//! target includes this file and `support/tokens.rs` by `#[path]`, as the modules `sim` and `tokens` of its
//! crate root, and calls [`ops::run`].

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "in a test a panic is the answer"
)]

mod calls;
mod clients;
pub(crate) mod desk;
mod engine_books;
mod engine_clients;
mod engine_ops;
pub(crate) mod engines;
pub(crate) mod idp;
mod invariants;
pub(crate) mod ops;
pub(crate) mod tenants;
mod time;
mod world;

#[allow(unused_imports, reason = "each test crate uses a part of it")]
pub(crate) use idp::{Answer, Key, Mint};
#[allow(unused_imports, reason = "each test crate uses a part of it")]
pub(crate) use world::{CI, CORP, Outcome, World, config, golden, table};
