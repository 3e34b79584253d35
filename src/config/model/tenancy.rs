//! Tenants, their border and their grants, laid out for deciding: by index, never by scan.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use super::{CatalogId, ClaimPath, ContextId, IssuerId};
use crate::iceberg::{Noun, OperationSet, StorageLocation};
use crate::jose::Claims;
use crate::json::Value;

/// Position of a tenant in [`Tenancy::tenants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub u16);

/// Position of a warehouse in [`Tenancy::warehouses`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarehouseId(pub u32);

/// Position of a condition in [`Whos`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WhoId(pub u32);

/// The border and the grants within it.
#[derive(Debug)]
pub struct Tenancy {
    /// The tenants, in the order of their names.
    pub tenants: Vec<Tenant>,
    /// Every warehouse of every tenant, those of one tenant together, in the order of the tenants.
    pub warehouses: Vec<Warehouse>,
    /// What names lead to which warehouse, by catalog.
    pub borders: Vec<Border>,
    /// The warehouses of a tenant at a catalog whose prefix that tells.
    pub asked: BTreeMap<(CatalogId, TenantId), Vec<WarehouseId>>,
    /// The tenants that a condition lets in.
    pub members: BTreeMap<WhoId, Vec<TenantId>>,
    /// The grants.
    pub rules: Rules,
}

impl Tenancy {
    /// The warehouses of a tenant.
    pub fn reach(&self, tenant: TenantId) -> &[Warehouse] {
        let all = &self.warehouses;
        let start = all.partition_point(|warehouse| warehouse.tenant < tenant);
        let end = all.partition_point(|warehouse| warehouse.tenant <= tenant);
        all.get(Range { start, end }).unwrap_or_default()
    }
}

/// A tenant.
#[derive(Debug)]
pub struct Tenant {
    /// Its key in the file.
    pub name: Rc<str>,
    /// Who belongs to it: whoever matches one of these. Sorted.
    pub who: Box<[WhoId]>,
    /// Where its files may lie; `None` when the catalog alone judges that.
    pub locations: Option<Box<[StorageLocation]>>,
    /// How tokens for its people are got, by catalog; only catalogs within its reach.
    pub contexts: BTreeMap<CatalogId, ContextId>,
    /// Most minted tokens of its people in the cache.
    pub cached_callers: Option<usize>,
    /// Most exchanges a second.
    pub exchanges_per_second: Option<usize>,
}

/// A warehouse within one tenant's border.
#[derive(Debug)]
pub struct Warehouse {
    /// Whose it is.
    pub tenant: TenantId,
    /// At which catalog.
    pub catalog: CatalogId,
    /// As `reach` names it: stands in messages.
    pub name: Rc<str>,
    /// As `/v1/config` is asked for it.
    pub asked_as: Rc<str>,
    /// Its prefix, decoded.
    pub prefix: Prefix,
}

/// What is known of a warehouse's prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// It is this; the empty text where paths have none.
    Known(Rc<str>),
    /// The catalog tells it.
    Asked,
}

/// The names of one catalog's warehouses, each in every spelling, decoded.
#[derive(Debug, Default)]
pub struct Border {
    /// What `warehouse` of `/v1/config` may be.
    pub warehouses: BTreeMap<Rc<str>, WarehouseId>,
    /// What a path's prefix may be; the empty text stands for none.
    pub prefixes: BTreeMap<Rc<str>, WarehouseId>,
    /// What the catalog takes when `warehouse` is missing.
    pub default: Option<WarehouseId>,
    /// Whether there are warehouses whose prefix is asked.
    pub asks: bool,
}

/// A condition on a verified caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Whose token.
    pub issuer: IssuerId,
    /// Which claim, text or a list of texts.
    pub claim: Rc<ClaimPath>,
    /// Its exact value.
    pub has: Rc<str>,
}

/// The values of one claim that conditions speak of.
type Values = BTreeMap<Rc<str>, WhoId>;

/// Every condition of the configuration, each once.
#[derive(Debug, Default)]
pub struct Whos {
    list: Vec<Who>,
    /// By issuer: each claim with its values.
    claims: BTreeMap<IssuerId, Vec<(Rc<ClaimPath>, Values)>>,
}

impl Whos {
    /// The number of a condition, which it gets when it is new.
    pub(in crate::config) fn add(
        &mut self,
        issuer: IssuerId,
        claim: &ClaimPath,
        has: &str,
    ) -> WhoId {
        let claims = self.claims.entry(issuer).or_default();
        let index = match claims.iter().position(|(path, _)| **path == *claim) {
            Some(index) => index,
            None => {
                claims.push((Rc::new(claim.clone()), BTreeMap::new()));
                claims.len().saturating_sub(1)
            }
        };
        let new = WhoId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let Some((claim, values)) = claims.get_mut(index) else {
            return new;
        };
        if let Some(known) = values.get(has) {
            return *known;
        }
        let has: Rc<str> = has.into();
        values.insert(Rc::clone(&has), new);
        self.list.push(Who {
            issuer,
            claim: Rc::clone(claim),
            has,
        });
        new
    }

    /// A condition.
    pub fn get(&self, id: WhoId) -> Option<&Who> {
        self.list.get(usize::try_from(id.0).ok()?)
    }

    /// The claims of an issuer's tokens that conditions speak of.
    pub fn claims(&self, issuer: IssuerId) -> impl Iterator<Item = &ClaimPath> {
        let claims = self.claims.get(&issuer).into_iter().flatten();
        claims.map(|(path, _)| &**path)
    }

    /// Which conditions hold for these claims of a token of `issuer`, sorted. A claim may be a text, or a
    /// list: then its texts count one by one, and what is no text counts for nothing.
    pub fn holding(&self, issuer: IssuerId, claims: &Claims) -> Box<[WhoId]> {
        let mut holding = Vec::new();
        for (path, values) in self.claims.get(&issuer).into_iter().flatten() {
            let mut look_up = |value: &Value| {
                holding.extend(value.as_str().and_then(|text| values.get(text)));
            };
            match claims.at(&path.0) {
                Some(Value::Array(many)) => many.iter().for_each(&mut look_up),
                Some(one) => look_up(one),
                None => {}
            }
        }
        holding.sort_unstable();
        holding.dedup();
        holding.into()
    }
}

/// One level of a pattern of namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelPattern {
    /// Any one level.
    Any,
    /// This one, exactly.
    Exactly(Box<str>),
}

/// The name of an object in a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectPattern {
    /// Any.
    Any,
    /// This one, exactly.
    Exactly(Box<str>),
}

/// The places in a warehouse that a grant speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The namespace, level by level; none is the root.
    pub levels: Box<[LevelPattern]>,
    /// Whether all below the namespace is meant too.
    pub subtree: bool,
    /// One kind of object and its name; without it the namespace and every object in it.
    pub object: Option<(Noun, ObjectPattern)>,
}

/// Whose a rule is, and where: what rules are looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleKey {
    /// The tenant within whose border it holds.
    pub tenant: TenantId,
    /// Its people of whom this holds; `None`: all of them.
    pub who: Option<WhoId>,
    /// In this warehouse; `None`: in all of the tenant's.
    pub warehouse: Option<WarehouseId>,
}

/// A part of a grant: one condition, one warehouse, one pattern.
#[derive(Debug)]
pub struct Rule {
    /// The grant that it is of, by its position in `grants`.
    pub grant: u32,
    /// What it adds.
    pub may: OperationSet,
    /// What it takes away.
    pub deny: OperationSet,
    /// Where in the warehouse; `None`: everywhere.
    pub pattern: Option<Rc<Pattern>>,
}

/// Every grant, in parts, sorted by their keys.
#[derive(Debug, Default)]
pub struct Rules(Vec<(RuleKey, Rule)>);

impl Rules {
    /// Sorts them.
    pub(in crate::config) fn new(mut rules: Vec<(RuleKey, Rule)>) -> Self {
        rules.sort_by_key(|(key, rule)| (*key, rule.grant));
        Self(rules)
    }

    /// The rules of one key.
    pub fn of(&self, key: RuleKey) -> impl Iterator<Item = &Rule> {
        let rules = self.slice(|candidate| candidate.cmp(&key));
        rules.iter().map(|(_, rule)| rule)
    }

    /// Every rule of a tenant, with its key: for explanations, not for decisions.
    pub fn of_tenant(&self, tenant: TenantId) -> impl Iterator<Item = &(RuleKey, Rule)> {
        self.slice(|candidate| candidate.tenant.cmp(&tenant)).iter()
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn slice(&self, order: impl Fn(&RuleKey) -> Ordering) -> &[(RuleKey, Rule)] {
        let start = self.0.partition_point(|(key, _)| order(key).is_lt());
        let end = self.0.partition_point(|(key, _)| order(key).is_le());
        self.0.get(Range { start, end }).unwrap_or_default()
    }
}
