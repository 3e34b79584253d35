//! What the grants say about one caller at one place.

use super::place::{Demand, ON_THE_WAY, Place, Reading, leads_to, speaks_of};
use crate::config::{Rule, RuleKey, Tenancy, TenantId, WarehouseId};
use crate::iceberg::{Class, OperationSet};
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
}

/// What the grants say to one demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Yes, by this grant.
    Granted(u32),
    /// No grant says yes.
    Nothing,
    /// This grant says no.
    Denied(u32),
}

impl<'a> Grants<'a> {
    /// Every rule that is about this caller in this warehouse. Found by their keys: how many tenants, grants
    /// and warehouses there are besides makes no difference but for the depth of a binary search.
    pub(super) fn rules(self) -> impl Iterator<Item = &'a Rule> {
        let whos = self.caller.whos().iter().copied().map(Some);
        whos.chain([None]).flat_map(move |who| {
            [None, Some(self.warehouse)]
                .into_iter()
                .flat_map(move |warehouse| {
                    self.tenancy.rules.of(RuleKey {
                        tenant: self.tenant,
                        who,
                        warehouse,
                    })
                })
        })
    }

    /// What they say to a demand: deny wins, in any order; of several grants the first one is named.
    pub(super) fn say(self, demand: &Demand) -> Said {
        let (operation, place) = (demand.operation, &demand.place);
        let on_the_way = ON_THE_WAY.contains(&operation);
        let (mut granted, mut denied) = (None::<u32>, None::<u32>);
        let first = |found: &mut Option<u32>, rule: &Rule| {
            *found = Some(found.map_or(rule.grant, |grant| grant.min(rule.grant)));
        };
        for rule in self.rules() {
            if rule.may.has(operation) && self.covers(rule, place, Reading::Certainly)
                || on_the_way && self.leads(rule, place)
            {
                first(&mut granted, rule);
            }
            if rule.deny.has(operation) && self.covers(rule, place, Reading::Perhaps) {
                first(&mut denied, rule);
            }
        }
        match (granted, denied) {
            (_, Some(grant)) => Said::Denied(grant),
            (Some(grant), None) => Said::Granted(grant),
            (None, None) => Said::Nothing,
        }
    }

    /// Everything that is allowed at a place.
    pub(super) fn allowed(self, place: &Place) -> OperationSet {
        let (mut may, mut deny) = (OperationSet::NONE, OperationSet::NONE);
        for rule in self.rules() {
            if self.covers(rule, place, Reading::Certainly) {
                may = may.and(rule.may);
            }
            if self.covers(rule, place, Reading::Perhaps) {
                deny = deny.and(rule.deny);
            }
        }
        may.without(deny)
    }

    pub(super) fn covers(self, rule: &Rule, place: &Place, reading: Reading) -> bool {
        match &rule.pattern {
            None => true,
            Some(pattern) => speaks_of(pattern, place, reading, self.ignore_case),
        }
    }

    /// Whoever may read something may find the way to it: list and look at the namespaces above it.
    fn leads(self, rule: &Rule, place: &Place) -> bool {
        let Some(pattern) = &rule.pattern else {
            return false;
        };
        !rule.may.only(READS).is_empty() && leads_to(pattern, place, self.ignore_case)
    }
}
