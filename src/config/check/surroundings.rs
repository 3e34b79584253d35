//! What tenants and grants are checked against, and what comes of them beside themselves.

use std::rc::Rc;

use super::Environment;
use super::catalogs::CATALOGS;
use super::tenants::TENANTS;
use crate::config::fault::{Faults, Path};
use crate::config::file::{CatalogBlock, File, IssuerBlock};
use crate::config::model::{
    Catalog, CatalogId, Context, ContextId, IssuerId, TenantId, TokenRule, Whos,
};
use crate::config::values::Named;

/// Whatever is faulty stands there as nothing, so that the checks go on with the rest.
pub(super) struct Surroundings<'a> {
    pub(super) file: &'a File,
    pub(super) env: Environment<'a>,
    /// The issuers' names, in their order.
    pub(super) issuers: Vec<&'a str>,
    /// The catalogs in their order, each with the way to its tokens.
    pub(super) catalogs: &'a [Option<(Catalog, TokenRule)>],
    blocks: &'a [(Rc<str>, Option<CatalogBlock>)],
    /// The ways to tokens of tenants, and then of programs; their numbers go on after those of the catalogs.
    pub(super) contexts: Vec<Context>,
    /// How many of them are of programs' own accounts.
    pub(super) own_accounts: usize,
    pub(super) whos: Whos,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(
        file: &'a File,
        catalogs: &'a [Option<(Catalog, TokenRule)>],
        env: Environment<'a>,
    ) -> Self {
        let issuers = file.issuers.iter().flat_map(|issuers| &issuers.0);
        Self {
            file,
            env,
            issuers: issuers.map(|(name, _)| &**name).collect(),
            catalogs,
            blocks: file.catalogs.as_ref().map_or(&[], |Named(blocks)| blocks),
            contexts: Vec::new(),
            own_accounts: 0,
            whos: Whos::default(),
        }
    }

    /// The names of the catalogs, faulty or not, and their blocks.
    pub(super) fn catalog_blocks(
        &self,
    ) -> impl Iterator<Item = (&'a Rc<str>, Option<&'a CatalogBlock>)> + use<'a> {
        self.blocks
            .iter()
            .map(|(name, block)| (name, block.as_ref()))
    }

    /// The catalog of that name, if there is one.
    pub(super) fn find_catalog(
        &self,
        name: &str,
        path: Path<'_>,
        faults: &mut Faults,
    ) -> Option<CatalogId> {
        let found = self
            .blocks
            .binary_search_by(|(known, _)| (**known).cmp(name));
        if found.is_err() {
            let known = &mut self.blocks.iter().map(|(known, _)| &**known);
            faults.nobodys(path, "is no catalog of this configuration", name, known);
        }
        u16::try_from(found.ok()?).ok().map(CatalogId)
    }

    /// A catalog without faults, and the way to its tokens.
    pub(super) fn catalog(&self, id: CatalogId) -> Option<&'a (Catalog, TokenRule)> {
        self.catalogs.get(usize::from(id.0))?.as_ref()
    }

    /// The way to tokens of a context, if it is without faults.
    pub(super) fn token(&self, id: ContextId) -> Option<&TokenRule> {
        let index = usize::try_from(id.0).ok()?;
        match index.checked_sub(self.catalogs.len()) {
            None => self.catalogs.get(index)?.as_ref().map(|(_, token)| token),
            Some(index) => self.contexts.get(index).map(|context| &context.token),
        }
    }

    /// The number of the context that is added next.
    pub(super) fn next_context(&self) -> ContextId {
        let count = self.catalogs.len().saturating_add(self.contexts.len());
        ContextId(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The issuers, as far as they could be read, by their names.
    pub(super) fn issuer_blocks(
        &self,
    ) -> impl Iterator<Item = (&'a str, &'a IssuerBlock)> + use<'a> {
        let issuers = self.file.issuers.iter().flat_map(|issuers| &issuers.0);
        issuers.filter_map(|(name, block)| Some((&**name, block.as_ref()?)))
    }

    /// An issuer as it is written.
    pub(super) fn issuer_block(&self, id: IssuerId) -> Option<&'a IssuerBlock> {
        let issuers = self.file.issuers.as_ref()?;
        issuers.0.get(usize::from(id.0))?.1.as_ref()
    }

    /// How messages name a catalog.
    pub(super) fn catalog_path(&self, id: CatalogId) -> String {
        let name = self.blocks.get(usize::from(id.0));
        let name = name.map_or("-", |(name, _)| name);
        CATALOGS.member(name).to_string()
    }

    /// How messages name a tenant.
    pub(super) fn tenant_path(&self, id: TenantId) -> String {
        let mut tenants = self.file.tenants.iter().flatten();
        let name = tenants.find_map(|named| named.0.get(usize::from(id.0)));
        let name = name.map_or("-", |(name, _)| name);
        TENANTS.member(name).to_string()
    }

    /// An issuer's name.
    pub(super) fn issuer_name(&self, id: IssuerId) -> &'a str {
        self.issuers.get(usize::from(id.0)).copied().unwrap_or("-")
    }
}
