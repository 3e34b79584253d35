//! The operator's tool, run as a process: everything that it prints, and how it ends.
//! `UPDATE_EXPECT=1 cargo test --features cli --test cli` writes the snapshots anew; read the difference.

#![cfg(test)]

mod advice;
mod canaries;
mod check;
mod docs;
mod envoy;
mod explain;
mod explain_audit;
mod explain_program;
mod explain_request;
mod explain_token;
mod run;
mod usage;
