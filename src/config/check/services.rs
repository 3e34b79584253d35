//! Programs: who they are, within whose border they call, and what they may do.

use std::rc::Rc;

use super::known::Known;
use super::own_account::{self, OwnAccount};
use super::speaks_for;
use super::surroundings::Surroundings;
use super::tenants::Checked;
use crate::config::fault::{Faults, Path};
use crate::config::file::ServiceBlock;
use crate::config::model::{CatalogId, ContextId, IssuerId, Service, TenantId};
use crate::config::parts::ServiceToken;
use crate::config::values::OneOrMore;
use crate::config::words::Actions;

/// Where they stand.
pub(super) const SERVICES: Path<'static> = Path::Member(&Path::Whole, "services");

/// Checks all, and builds those that have no faults.
pub(super) fn check(
    border: Option<&Checked>,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Vec<Service> {
    let file = around.file;
    let mut services = Services {
        border,
        around,
        known: Known::default(),
    };
    let blocks = file.services.iter().flatten().flat_map(|named| &named.0);
    blocks
        .filter_map(|(name, block)| services.service(name, block.as_ref()?, faults))
        .collect()
}

/// A way to a catalog: through which border, to which one, and how its tokens are got.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) tenant: Option<TenantId>,
    pub(super) catalog: CatalogId,
    pub(super) context: ContextId,
}

/// The ways of a program to the catalogs.
pub(super) enum Ways {
    /// These, through the borders that are written.
    These(Vec<Way>),
    /// Through the borders of all whose people it is one of.
    OfItsTenants,
    /// What would say so is faulty, and has been reported.
    Unsure,
}

struct Services<'s, 'a> {
    border: Option<&'s Checked>,
    around: &'s mut Surroundings<'a>,
    known: Known<'a>,
}

impl<'a> Services<'_, 'a> {
    fn service(
        &mut self,
        name: &'a Rc<str>,
        block: &'a ServiceBlock,
        faults: &mut Faults,
    ) -> Option<Service> {
        let path = SERVICES.member(name);
        let who = block.who.as_ref();
        let who = who.and_then(|who| {
            let path = path.member("who");
            self.known.add(name, who, path, self.around, faults)
        });
        let issuer = who.as_ref().map(|(issuer, _)| *issuer);
        let tenants = match &block.tenant {
            Some(Some(named)) => tenants(
                named,
                path.member("tenant"),
                self.border,
                self.around,
                faults,
            ),
            Some(None) => Some(Box::default()),
            None => None,
        };
        let may = block.may.map(|Actions(may)| may);
        let ways = self.ways(block, tenants.as_deref());
        let own = match &block.token {
            Some(Some(ServiceToken::OwnAccount(own))) => {
                own_account::check(own, path, may, &ways, self.around, faults)
            }
            Some(Some(ServiceToken::Exchange) | None) => Some(OwnAccount::default()),
            None => None,
        };
        if let (Some(issuer), Some(own), Some(may)) = (issuer, &own, may)
            && !may.without(own.operations).is_empty()
        {
            self.exchanges(issuer, &ways, path.member("who"), faults);
        }
        let speaks_for = match &block.speaks_for {
            Some(Some(block)) => {
                let path = path.member("speaks_for");
                speaks_for::check(block, path, issuer, self.border, self.around, faults).map(Some)
            }
            Some(None) => Some(None),
            None => None,
        };
        let ((issuer, whos), own) = (who?, own?);
        let who = block.who.as_ref()?;
        let client = who.azp.as_ref()?.as_ref();
        let peer = who.peer.as_ref()?.as_ref();
        Some(Service {
            name: Rc::clone(name),
            issuer,
            who: whos,
            client: client.map(|client| client.0.clone()),
            peer: peer.map(|peer| peer.0.clone()),
            tenants: tenants?,
            may: may?,
            by_own_account: own.operations,
            own_account: own.contexts,
            speaks_for: speaks_for?,
        })
    }

    fn ways(&self, block: &ServiceBlock, tenants: Option<&[TenantId]>) -> Ways {
        let Some(border) = self.border else {
            if !matches!(self.around.file.tenants, Some(None)) {
                return Ways::Unsure;
            }
            let catalogs = (0_u16..).take(self.around.catalogs.len());
            let ways = catalogs.map(|number| Way {
                tenant: None,
                catalog: CatalogId(number),
                context: ContextId(number.into()),
            });
            return Ways::These(ways.collect());
        };
        match (&block.tenant, tenants) {
            (Some(None), _) => Ways::OfItsTenants,
            (Some(Some(_)), Some(tenants)) => {
                let sure = |id: &TenantId| border.sure.get(usize::from(id.0)) == Some(&true);
                if !tenants.iter().all(sure) {
                    return Ways::Unsure;
                }
                let tenants = tenants
                    .iter()
                    .filter_map(|id| Some((*id, border.tenancy.tenants.get(usize::from(id.0))?)));
                let ways = tenants.flat_map(|(id, tenant)| {
                    tenant.contexts.iter().map(move |(catalog, context)| Way {
                        tenant: Some(id),
                        catalog: *catalog,
                        context: *context,
                    })
                });
                Ways::These(ways.collect())
            }
            _ => Ways::Unsure,
        }
    }

    /// A program whose tokens are exchanged needs a catalog that gets its tokens where it comes from.
    fn exchanges(&self, issuer: IssuerId, ways: &Ways, path: Path<'_>, faults: &mut Faults) {
        let around = &self.around;
        let served = |context: ContextId| {
            let token = around.token(context);
            token.is_none_or(|token| token.from == issuer)
        };
        let some = match ways {
            Ways::These(ways) => ways.iter().any(|way| served(way.context)),
            Ways::OfItsTenants => {
                let tenants = self.border.map(|border| &border.tenancy.tenants);
                let mut contexts = tenants
                    .into_iter()
                    .flatten()
                    .flat_map(|tenant| tenant.contexts.values());
                let sure = self
                    .border
                    .is_some_and(|border| border.sure.iter().all(|sure| *sure));
                !sure || contexts.any(|context| served(*context))
            }
            Ways::Unsure => true,
        };
        if !some {
            faults.add(
                path,
                format!(
                    "names a program of issuer {}, and no catalog that it can reach gets its tokens there (token.from); it \
                     could do nothing",
                    around.issuer_name(issuer)
                ),
            );
        }
    }
}

/// The tenants of these names, sorted.
pub(super) fn tenants(
    names: &OneOrMore<String>,
    path: Path<'_>,
    border: Option<&Checked>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Box<[TenantId]>> {
    let Some(border) = border else {
        if matches!(around.file.tenants, Some(None)) {
            faults.add(
                path,
                "says nothing without tenants, which the configuration does not have",
            );
        }
        return None;
    };
    let tenants = &border.tenancy.tenants;
    let mut found = Some(Vec::with_capacity(names.0.len()));
    for (index, name) in names.0.iter().enumerate() {
        let number = tenants.binary_search_by(|tenant| (*tenant.name).cmp(name));
        if number.is_err() {
            let known = &mut tenants.iter().map(|tenant| &*tenant.name);
            let place = match names.0.len() {
                1 => path,
                _ => Path::Element(&path, index),
            };
            faults.nobodys(place, "names no tenant of this configuration", name, known);
        }
        let number = number.ok().and_then(|number| u16::try_from(number).ok());
        found = found.zip(number).map(|(mut found, number)| {
            found.push(TenantId(number));
            found
        });
    }
    let mut found = found?;
    found.sort_unstable();
    Some(found.into())
}
