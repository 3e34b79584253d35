//! What the operator decided: read once, checked whole, never changed afterwards.

pub mod model;

pub use model::*;
