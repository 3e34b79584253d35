//! Tests from outside of the library: what an operator, a caller and the wire see.

#![cfg(test)]

mod config_arbitrary;
mod config_faults;
mod config_files;
mod config_load;
mod oauth_golden;
mod support;
