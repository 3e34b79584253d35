//! What the grants say about one caller at one place.

use std::collections::BTreeSet;

use super::place::{ON_THE_WAY, Place, Reading, leads_to, speaks_of};
use crate::config::{Config, Rule, RuleKey, Tenancy, TenantId, WarehouseId};
use crate::iceberg::{Class, Noun, Operation, OperationSet};
use crate::identity::Caller;

const READS: OperationSet = OperationSet::of_class(Class::Read);

/// The grants of one caller in one warehouse.
#[derive(Clone, Copy)]
pub(super) struct Grants<'a> {
    pub(super) tenancy: &'a Tenancy,
    pub(super) caller: &'a Caller,
    pub(super) tenant: TenantId,
    pub(super) warehouse: WarehouseId,
    pub(super) ignore_case: bool,
    /// What a program may, in place of everything that is granted; it is denied what the rules deny.
    pub(super) program: Option<OperationSet>,
}

/// What the grants say to one demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Yes, by this grant.
    Granted(u32),
    /// Yes, the program may.
    ByProgram,
    /// No grant says yes.
    Nothing,
    /// This grant says no.
    Denied(u32),
}

/// Every rule that is about a caller in a warehouse; none without tenants. A decision looks at no others. They are found by
/// their keys: how many tenants, grants and warehouses there are besides makes no difference but for the depth of a binary
/// search.
pub fn rules<'a>(
    config: &'a Config,
    caller: &'a Caller,
    warehouse: WarehouseId,
) -> impl Iterator<Item = &'a Rule> {
    let own = config.tenancy.as_ref().zip(config.warehouse(warehouse));
    let rules = own.map(|(tenancy, own)| of(tenancy, caller, own.tenant, warehouse));
    rules.into_iter().flatten()
}

fn of<'a>(
    tenancy: &'a Tenancy,
    caller: &'a Caller,
    tenant: TenantId,
    warehouse: WarehouseId,
) -> impl Iterator<Item = &'a Rule> {
    let whos = caller.whos().iter().copied().map(Some).chain([None]);
    let everywhere = move |who| [(who, None), (who, Some(warehouse))];
    whos.flat_map(everywhere).flat_map(move |(who, warehouse)| {
        tenancy.rules.of(RuleKey {
            tenant,
            who,
            warehouse,
        })
    })
}

impl<'a> Grants<'a> {
    fn rules(self) -> impl Iterator<Item = &'a Rule> {
        of(self.tenancy, self.caller, self.tenant, self.warehouse)
    }

    /// What they say to an operation at a place: deny wins, in any order; of several grants the first one is named.
    pub(super) fn say(self, operation: Operation, place: &Place) -> Said {
        let (mut granted, mut denied) = (None::<u32>, None::<u32>);
        let first = |found: &mut Option<u32>, rule: &Rule| {
            *found = Some(found.map_or(rule.grant, |grant| grant.min(rule.grant)));
        };
        for rule in self.rules() {
            if self.program.is_none() && allows(rule, operation, place, self.ignore_case) {
                first(&mut granted, rule);
            }
            if denies(rule, operation, place, self.ignore_case) {
                first(&mut denied, rule);
            }
        }
        match (granted, denied) {
            (_, Some(grant)) => Said::Denied(grant),
            (Some(grant), None) => Said::Granted(grant),
            (None, None) if self.program.is_some_and(|may| may.has(operation)) => Said::ByProgram,
            (None, None) => Said::Nothing,
        }
    }

    /// What is certainly allowed at a place, whatever the catalog takes it for.
    pub(super) fn at_least(self, place: &Place) -> OperationSet {
        let deny = self.denied(|rule| self.covers(rule, place, Reading::Perhaps));
        self.granted(place, Reading::Certainly).without(deny)
    }

    /// Whether perhaps more is allowed at one place than at another: more is granted there, or what is denied at the other
    /// is not denied there by the same grant. A deny that takes away at the new place what is granted only there does not
    /// help, so that no deny ever lets something pass.
    pub(super) fn widens(self, from: &Place, to: &Place) -> bool {
        let there = self.granted(to, Reading::Perhaps);
        let held_there: BTreeSet<u32> = self
            .rules()
            .filter(|rule| self.covers(rule, to, Reading::Certainly))
            .map(|rule| rule.grant)
            .collect();
        let left_behind = self.denied(|rule| {
            self.covers(rule, from, Reading::Perhaps) && !held_there.contains(&rule.grant)
        });
        let more = there.without(self.granted(from, Reading::Certainly));
        !more.is_empty() || !there.only(left_behind).is_empty()
    }

    fn granted(self, place: &Place, reading: Reading) -> OperationSet {
        if let Some(may) = self.program {
            return may;
        }
        let rules = self
            .rules()
            .filter(|rule| self.covers(rule, place, reading));
        rules.fold(OperationSet::NONE, |sum, rule| sum.and(rule.may))
    }

    fn denied(self, holds: impl Fn(&Rule) -> bool) -> OperationSet {
        let rules = self.rules().filter(|rule| holds(rule));
        rules.fold(OperationSet::NONE, |sum, rule| sum.and(rule.deny))
    }

    fn covers(self, rule: &Rule, place: &Place, reading: Reading) -> bool {
        covers(rule, place, reading, self.ignore_case)
    }

    /// Whether a view that may not be loaded has the name of a table that may be. Trino asks for the view of a name before
    /// it asks for the table: a 403 there would break every table.
    pub(super) fn hides(self, operation: Operation, place: &Place) -> bool {
        let table = match operation {
            Operation::LoadView => Operation::LoadTable,
            Operation::ViewExists => Operation::TableExists,
            _ => return false,
        };
        let name = place.object.as_ref().map(|(_, name)| name.clone());
        let place = Place {
            object: name.map(|name| (Noun::Table, name)),
            ..place.clone()
        };
        self.at_least(&place).has(table)
    }
}

/// Whether a rule says yes to an operation at a place.
pub(super) fn allows(rule: &Rule, operation: Operation, place: &Place, ignore_case: bool) -> bool {
    rule.may.has(operation) && covers(rule, place, Reading::Certainly, ignore_case)
        || ON_THE_WAY.contains(&operation) && leads(rule, place, ignore_case)
}

/// Whether it says no.
pub(super) fn denies(rule: &Rule, operation: Operation, place: &Place, ignore_case: bool) -> bool {
    rule.deny.has(operation) && covers(rule, place, Reading::Perhaps, ignore_case)
}

/// Whether it is about a place.
pub(super) fn covers(rule: &Rule, place: &Place, reading: Reading, ignore_case: bool) -> bool {
    match &rule.pattern {
        None => true,
        Some(pattern) => speaks_of(pattern, place, reading, ignore_case),
    }
}

/// Whoever may read something may find the way to it: list and look at the namespaces above it.
fn leads(rule: &Rule, place: &Place, ignore_case: bool) -> bool {
    !rule.may.only(READS).is_empty()
        && match &rule.pattern {
            None => true,
            Some(pattern) => leads_to(pattern, place, ignore_case),
        }
}
