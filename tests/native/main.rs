//! Tests from outside of the library: what an operator, a caller and the wire see.

#![cfg(test)]

mod attacks;
#[path = "support/bodies.rs"]
mod bodies;
mod cache_model;
mod config_arbitrary;
mod config_border;
mod config_faults;
mod config_files;
mod config_gate_tokens;
mod config_grants;
mod config_load;
mod config_programs;
mod config_reach;
mod config_rules;
mod config_services;
mod config_tenants;
mod config_tokens;
#[path = "support/desk.rs"]
mod desk;
mod dialect_page;
mod dialect_tokens;
mod dialects;
mod docs_files;
mod exchange_check;
mod exchange_gate_token;
mod guard_answers;
mod guard_properties;
mod iceberg_bodies;
mod iceberg_body_properties;
mod iceberg_layouts;
mod iceberg_locations;
mod iceberg_operations;
mod iceberg_paths;
mod iceberg_properties;
mod iceberg_queries;
#[path = "support/idp.rs"]
mod idp;
mod jose_keys;
mod jose_messages;
mod jose_properties;
mod jose_signing;
mod jose_tokens;
mod jose_traps;
mod jose_traps_claims;
mod jose_vectors;
mod json_schema;
#[path = "support/lake.rs"]
mod lake;
#[path = "support/locations.rs"]
mod locations;
mod oauth_golden;
mod policy_bodies;
mod policy_border;
mod policy_delegation;
mod policy_doubts;
mod policy_grants;
mod policy_locations;
mod policy_moves;
mod policy_names;
mod policy_operations;
mod policy_people;
mod policy_places;
mod policy_program_properties;
mod policy_programs;
mod policy_properties;
mod policy_views;
#[path = "support/programs.rs"]
mod programs;
mod refusal_table;
mod sim;
mod sim_actors;
mod sim_bodies;
mod sim_dialects;
mod sim_keys;
mod sim_logins;
mod sim_model;
mod sim_outages;
mod sim_prefixes;
mod sim_programs;
mod sim_refresh;
mod sim_stories;
mod sim_tenants;
mod sim_token_attacks;
mod sim_token_outages;
mod sim_token_requests;
mod sim_words;
mod support;
mod telemetry_names;
#[path = "support/tokens.rs"]
mod tokens;
