//! What is told about one request, beside the counters: a line of JSON, and names for Envoy's filter state.
//!
//! A record is made when a request is decided, and written when it has ended. It holds no token and no secret:
//! tokens are told by their `jti`.

use serde_json::{Map, Value};

use crate::clock::UnixTime;
use crate::config::{Audit, Lines};
use crate::identity::Proof;

/// What was decided about one request, and by whom it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When it was decided, in seconds since 1970.
    pub time: u64,
    /// Envoy's request id.
    pub reference: Box<str>,
    /// `traceparent`, where the client sent one.
    pub traceparent: Option<Box<str>>,
    /// Who asked; `None` where nobody was recognised.
    pub caller: Option<Who>,
    /// The program that acted for that caller at the token endpoint, by its name in the configuration.
    pub actor: Option<Box<str>>,
    /// A token was given.
    pub issued: bool,
    /// The tenant, by its name in the configuration.
    pub tenant: Option<Box<str>>,
    /// The catalog, by its name in the configuration.
    pub catalog: Option<Box<str>>,
    /// The warehouse, as `reach` names it.
    pub warehouse: Option<Box<str>>,
    /// The operation by its name in the REST spec; `-` where there was none.
    pub operation: &'static str,
    /// Whether it may change something.
    pub changes: bool,
    /// Every place that it names, below the warehouse: `createTable .sales.orders`; the root has no path.
    pub places: Vec<String>,
    /// The delegation that the catalog is told of, where the gate changed it.
    pub delegation: Option<&'static str>,
    /// The refusal's name; `None`: it was forwarded.
    pub refusal: Option<&'static str>,
    /// The grant that decided, by its position in `grants`.
    pub grant: Option<u32>,
    /// The refusal that the grants would have given, if they were held.
    pub report_only: Option<&'static str>,
    /// Whether the minted token was in the cache; `None` where none was looked for.
    pub cached: Option<bool>,
    /// The minted token's `jti`.
    pub minted_id: Option<Box<str>>,
    /// The first eight bytes of the configuration's digest, in hex.
    pub generation: Box<str>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The issuer, by its name in the configuration.
    pub issuer: Box<str>,
    /// `sub`.
    pub subject: Box<str>,
    /// The name for people.
    pub name: Box<str>,
    /// Whose word it is that it is so; a program's own, where it is one.
    pub proof: Proof,
    /// The program, by its name in the configuration; `None` for persons and for programs that are not listed.
    pub service: Option<Box<str>>,
    /// The subject token's `jti`.
    pub token_id: Option<Box<str>>,
}

impl Who {
    fn kind(&self) -> &'static str {
        match self.proof {
            Proof::Program => "program",
            Proof::OwnToken | Proof::EngineWord => "person",
        }
    }
}

impl Record {
    /// Whether a line is written about it.
    pub fn has_line(&self, audit: Audit) -> bool {
        match audit.lines {
            Lines::None => false,
            Lines::Refusals => self.refusal.is_some(),
            Lines::Commits => self.refusal.is_some() || self.changes,
            Lines::All => true,
        }
    }

    /// One line of JSON, without its end. `status`: the HTTP status that the client got; of a request that was
    /// forwarded it is the catalog's. `None`: it got none.
    pub fn line(&self, status: Option<u16>) -> String {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            members.insert(name.to_owned(), value);
        };
        let text = |text: &Option<Box<str>>| text.as_deref().map_or(Value::Null, Value::from);
        put("time", Value::from(rfc3339(self.time)));
        put("reference", Value::from(&*self.reference));
        put("traceparent", text(&self.traceparent));
        if let Some(caller) = &self.caller {
            put("issuer", Value::from(&*caller.issuer));
            put("subject", Value::from(&*caller.subject));
            put("name", Value::from(&*caller.name));
            put("kind", Value::from(caller.kind()));
            put("proof", Value::from(caller.proof.name()));
            put("service", text(&caller.service));
            put("token_id", text(&caller.token_id));
        }
        put("actor", text(&self.actor));
        put("tenant", text(&self.tenant));
        put("catalog", text(&self.catalog));
        put("warehouse", text(&self.warehouse));
        put("operation", Value::from(self.operation));
        put("places", Value::from(self.places.clone()));
        put(
            "delegation",
            self.delegation.map_or(Value::Null, Value::from),
        );
        put("decision", Value::from(self.decision()));
        put("refusal", self.refusal.map_or(Value::Null, Value::from));
        put("rule", self.rule().map_or(Value::Null, Value::from));
        put(
            "report_only",
            self.report_only.map_or(Value::Null, Value::from),
        );
        put("status", status.map_or(Value::Null, Value::from));
        put("cached", self.cached.map_or(Value::Null, Value::from));
        put("minted_id", text(&self.minted_id));
        put("generation", Value::from(&*self.generation));
        Value::Object(members).to_string()
    }

    /// What Envoy's filter state gets, name by name: `wasm.icegate.subject`, ... No token.
    pub fn state(&self) -> Vec<(&'static str, String)> {
        let mut state = vec![
            ("icegate.decision", self.decision().to_owned()),
            ("icegate.operation", self.operation.to_owned()),
        ];
        let mut put = |name: &'static str, value: Option<&str>| {
            state.extend(value.map(|value| (name, value.to_owned())));
        };
        let caller = self.caller.as_ref();
        put("icegate.issuer", caller.map(|caller| &*caller.issuer));
        put("icegate.subject", caller.map(|caller| &*caller.subject));
        put("icegate.name", caller.map(|caller| &*caller.name));
        put("icegate.kind", caller.map(Who::kind));
        put("icegate.actor", self.actor.as_deref());
        put("icegate.proof", caller.map(|caller| caller.proof.name()));
        put(
            "icegate.service",
            caller.and_then(|caller| caller.service.as_deref()),
        );
        put("icegate.tenant", self.tenant.as_deref());
        put("icegate.catalog", self.catalog.as_deref());
        put("icegate.warehouse", self.warehouse.as_deref());
        put("icegate.refusal", self.refusal);
        put("icegate.rule", self.rule().as_deref());
        put("icegate.report_only", self.report_only);
        state
    }

    fn decision(&self) -> &'static str {
        match self.refusal {
            Some(_) => "refused",
            None if self.issued => "issued",
            None => "forwarded",
        }
    }

    fn rule(&self) -> Option<String> {
        self.grant.map(|grant| format!("grants[{grant}]"))
    }
}

/// Seconds since 1970 of a time.
pub fn seconds(time: UnixTime) -> u64 {
    time.since(UnixTime::from_secs(0)).as_secs()
}

/// RFC 3339 in UTC, to the second. Days are counted from 1 March of the year 0, so that a leap day is the last
/// day of its year.
fn rfc3339(seconds: u64) -> String {
    const DAY: u64 = 86_400;
    const ERA: u64 = 146_097;
    let div = |a: u64, b: u64| a.checked_div(b).unwrap_or_default();
    let rem = |a: u64, b: u64| a.checked_rem(b).unwrap_or_default();
    let (days, clock) = (div(seconds, DAY), rem(seconds, DAY));
    let days = days.saturating_add(719_468);
    let (era, day) = (div(days, ERA), rem(days, ERA));
    let leaps = div(day, 1_460).saturating_add(div(day, ERA.saturating_sub(1)));
    let year_of_era = div(
        day.saturating_add(div(day, 36_524)).saturating_sub(leaps),
        365,
    );
    let before = year_of_era
        .saturating_mul(365)
        .saturating_add(div(year_of_era, 4))
        .saturating_sub(div(year_of_era, 100));
    let day = day.saturating_sub(before);
    let month = div(day.saturating_mul(5).saturating_add(2), 153);
    let day = day
        .saturating_sub(div(month.saturating_mul(153).saturating_add(2), 5))
        .saturating_add(1);
    let month = if month < 10 {
        month.saturating_add(3)
    } else {
        month.saturating_sub(9)
    };
    let year = era
        .saturating_mul(400)
        .saturating_add(year_of_era)
        .saturating_add(u64::from(month <= 2));
    let (hour, minute, second) = (div(clock, 3_600), rem(div(clock, 60), 60), rem(clock, 60));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_as_date_prints_them() {
        // date -u -d @N +%FT%TZ
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (1_795_650_125, "2026-11-25T23:42:05Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
