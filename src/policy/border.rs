//! The border: which warehouse a request names, whose it is, and whether the caller is one of theirs.

use std::borrow::Cow;

use crate::config::{Border, CatalogId, ClaimPath, Config, Prefix, Tenancy, TenantId, WarehouseId};
use crate::iceberg::{Kind, Operation, Query, Route};
use crate::identity::{Caller, Standing};
use crate::refusal::{Reason, Refusal};
use crate::text::shown;

/// What is known of prefixes that catalogs told.
pub trait Prefixes {
    /// Whose warehouse a prefix is.
    fn find(&self, catalog: CatalogId, prefix: &str) -> Told;

    /// Whether the catalog is to be asked for a warehouse's prefix.
    fn must_ask(&self, warehouse: WarehouseId) -> bool;

    /// Whether the catalog is left alone with that, because it failed a moment ago.
    fn rests(&self, _: WarehouseId) -> bool {
        false
    }
}

/// What catalogs told about a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// It is this warehouse's.
    Is(WarehouseId),
    /// It was told for two warehouses, so it is nobody's.
    Shared,
}

/// Where a request leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// To a warehouse of the caller's.
    To(WarehouseId),
    /// Nobody knows, before the catalog has told this warehouse's prefix.
    Ask(WarehouseId),
}

/// Finds the warehouse that a request names.
pub(super) fn lead(
    config: &Config,
    tenancy: &Tenancy,
    prefixes: &dyn Prefixes,
    caller: &Caller,
    catalog: CatalogId,
    route: &Route<'_>,
    query: &Query,
) -> Result<Led, Refusal> {
    let mine = Mine {
        config,
        tenancy,
        caller,
        catalog,
    };
    let border = tenancy.borders.get(usize::from(catalog.0));
    let Some((border, own)) = border.zip(config.catalog(catalog)) else {
        return Err(mine.outside(""));
    };
    // Before anything is looked up: where paths have no prefix it would lead into a warehouse.
    if route.operation == Operation::SignS3Request && route.prefix.is_none() {
        return Err(Refusal::new(
            Reason::SignWithoutPrefix,
            format!(
                "{} asks for a signature without naming a warehouse; with tenants the signing path must have a prefix",
                mine.name()
            ),
        ));
    }
    if route.operation == Operation::GetConfig {
        let (found, named) = of_config(border, own.layout.kind(), query);
        return match (found, named) {
            (Some(id), _) => mine.own(id, named.unwrap_or_default()),
            (None, Some(name)) => Err(mine.outside(name)),
            (None, None) => Err(mine.nameless()),
        };
    }
    let prefix = prefix_of(route);
    if let Some(id) = border.prefixes.get(&*prefix) {
        return mine.own(*id, &prefix);
    }
    if !border.asks {
        return Err(mine.outside(&prefix));
    }
    match prefixes.find(catalog, &prefix) {
        Told::Is(id) => mine.own(id, &prefix),
        Told::Shared => Err(Refusal::new(
            Reason::PrefixShared,
            format!(
                "catalog '{}' gives the prefix '{}' to two warehouses, so it is nobody's: its operator must \
                 write the prefixes in reach",
                mine.catalog_name(),
                shown(&prefix)
            ),
        )),
        Told::Nothing => {
            let asked = || mine.asked().filter(|id| prefixes.must_ask(*id));
            // One that cannot be asked for now stands in no other's way.
            let open = asked().find(|id| !prefixes.rests(*id));
            match open.or_else(|| asked().next()) {
                Some(id) => Ok(Led::Ask(id)),
                None => Err(mine.outside(&prefix)),
            }
        }
    }
}

/// The warehouse that `/v1/config` is asked for, whosever it is, and the name by which. Catalogs take an empty name for
/// none.
pub(super) fn of_config<'q>(
    border: &Border,
    kind: Kind,
    query: &'q Query,
) -> (Option<WarehouseId>, Option<&'q str>) {
    let named = query.warehouse.as_deref().filter(|name| !name.is_empty());
    let found = match named {
        Some(name) => border.warehouses.get(&*kind.warehouse_name(name)),
        None => border.default.as_ref(),
    };
    (found.copied(), named)
}

/// The prefix of a path, decoded; the empty text stands for none.
pub(super) fn prefix_of<'r>(route: &'r Route<'_>) -> Cow<'r, str> {
    let prefix = route.prefix.as_ref().map(|prefix| prefix.decode());
    prefix.unwrap_or_default()
}

/// The tenants within whose borders a caller is: those whose people it is one of, and those that a program is listed with.
pub(super) fn tenants_of<'a>(
    config: &'a Config,
    tenancy: &'a Tenancy,
    caller: &'a Caller,
) -> impl Iterator<Item = TenantId> + use<'a> {
    let whos = caller.whos().iter();
    let of_people = whos
        .filter_map(|who| tenancy.members.get(who))
        .flatten()
        .copied();
    of_people.chain(listed_with(config, caller).iter().copied())
}

fn listed_with<'a>(config: &'a Config, caller: &Caller) -> &'a [TenantId] {
    let service = match caller.standing() {
        Standing::Service(id) => config.service(id),
        Standing::Person | Standing::Program => None,
    };
    service.map_or(&[], |service| &service.tenants)
}

/// What exists for a caller at a catalog.
struct Mine<'a> {
    config: &'a Config,
    tenancy: &'a Tenancy,
    caller: &'a Caller,
    catalog: CatalogId,
}

impl<'a> Mine<'a> {
    fn tenants(&self) -> impl Iterator<Item = TenantId> + use<'a> {
        tenants_of(self.config, self.tenancy, self.caller)
    }

    /// The caller's warehouses here whose prefix the catalog tells.
    fn asked(&self) -> impl Iterator<Item = WarehouseId> + use<'a> {
        let (asked, catalog) = (&self.tenancy.asked, self.catalog);
        self.tenants()
            .filter_map(move |tenant| asked.get(&(catalog, tenant)))
            .flatten()
            .copied()
    }

    /// The warehouse, if the caller is one of its tenant's people.
    fn own(&self, id: WarehouseId, named: &str) -> Result<Led, Refusal> {
        let tenant = self
            .config
            .warehouse(id)
            .and_then(|one| Some((one.tenant, self.config.tenant(one.tenant)?)));
        let listed = listed_with(self.config, self.caller);
        match tenant {
            Some((_, tenant)) if tenant.who.iter().any(|who| self.caller.is(*who)) => {
                Ok(Led::To(id))
            }
            Some((tenant, _)) if listed.binary_search(&tenant).is_ok() => Ok(Led::To(id)),
            _ => Err(self.outside(named)),
        }
    }

    /// The same words whether there is such a warehouse or not.
    fn outside(&self, named: &str) -> Refusal {
        let Some(first) = self.tenants().next() else {
            return self.nobodys();
        };
        let tenant = self.config.tenant(first).map_or("-", |tenant| &tenant.name);
        Refusal::new(
            Reason::OutsideBorder,
            format!(
                "{} (tenant {tenant}) may not use {}/{}: it is not within the tenant's border",
                self.name(),
                self.catalog_name(),
                shown(named)
            ),
        )
    }

    fn nobodys(&self) -> Refusal {
        if let Standing::Service(id) = self.caller.standing() {
            let service = self.config.service(id).map_or("-", |one| &one.name);
            let sentence = format!(
                "program {service} is within the border of no tenant of this gate: its operator must write \
                 services.{service}.tenant"
            );
            return Refusal::new(Reason::TenantNone, sentence);
        }
        let issuer = self.caller.issuer();
        let claims: Vec<String> = self
            .config
            .whos
            .claims(issuer)
            .map(|path| path.0.join("."))
            .collect();
        let name = self.name();
        let overage = self
            .config
            .whos
            .claims(issuer)
            .any(|path| overaged(self.caller, path));
        let sentence = if overage {
            format!(
                "{name} belongs to no tenant of this gate: the token does not list the groups, there are too many of \
                 them (group overage); let the identity provider put only the groups that the gate asks for into it"
            )
        } else if claims.is_empty() {
            format!(
                "{name} belongs to no tenant of this gate: none takes people of this identity provider"
            )
        } else {
            format!(
                "{name} belongs to no tenant of this gate: no value that it asks for stands in the token's claim {}",
                claims.join(" or ")
            )
        };
        Refusal::new(Reason::TenantNone, sentence)
    }

    fn nameless(&self) -> Refusal {
        if self.tenants().next().is_none() {
            return self.nobodys();
        }
        let reach = self.tenants().flat_map(|tenant| self.tenancy.reach(tenant));
        let names: Vec<String> = reach
            .filter(|warehouse| warehouse.catalog == self.catalog)
            .take(8)
            .map(|warehouse| shown(&warehouse.asked_as))
            .collect();
        Refusal::new(
            Reason::WarehouseMissing,
            format!(
                "{} names no warehouse of catalog '{}': set warehouse in the client (there are: {})",
                self.name(),
                self.catalog_name(),
                names.join(", ")
            ),
        )
    }

    fn name(&self) -> &'a str {
        self.caller.log_name()
    }

    fn catalog_name(&self) -> &'a str {
        self.config
            .catalog(self.catalog)
            .map_or("-", |catalog| &catalog.name)
    }
}

/// Whether a token says that a claim is left out because it would be too long. Entra: `_claim_names` names the
/// claims that are to be fetched elsewhere, `hasgroups` stands in for `groups` in short tokens.
pub(super) fn overaged(caller: &Caller, path: &ClaimPath) -> bool {
    let Some(first) = path.0.first() else {
        return false;
    };
    let claims = caller.claims();
    let elsewhere = claims
        .get("_claim_names")
        .and_then(|names| names.as_object());
    claims.get(first).is_none()
        && (elsewhere.is_some_and(|names| names.contains_key(first))
            || (first == "groups" && claims.get("hasgroups").is_some_and(|has| *has == true)))
}

/// Whether a catalog's prefix is within the border that a request was found in: the warehouse itself, or another
/// one of the same tenant's at the same catalog.
pub fn holds_prefix(config: &Config, warehouse: WarehouseId, prefix: &str) -> bool {
    let (Some(tenancy), Some(own)) = (&config.tenancy, config.warehouse(warehouse)) else {
        return false;
    };
    if own.prefix == Prefix::Asked {
        return true;
    }
    let border = tenancy.borders.get(usize::from(own.catalog.0));
    let found = border.and_then(|border| border.prefixes.get(prefix));
    found.is_some_and(|found| {
        config
            .warehouse(*found)
            .is_some_and(|found| found.tenant == own.tenant && found.asked_as == own.asked_as)
    })
}
