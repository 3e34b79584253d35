//! Any bytes as a story of the broker: typed operations on the simulator of the native tests, with its
//! invariants after every step.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/native/sim/mod.rs"]
mod sim;
#[path = "../../tests/native/support/tokens.rs"]
mod tokens;

fuzz_target!(|story: &[u8]| sim::ops::run(story));
