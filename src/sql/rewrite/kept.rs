//! Names of the catalogue's relations and functions that have a kept copy.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Statement, TableFactor, VisitMut, VisitorMut,
};

use super::names::{SYSTEM_DATABASE, SystemCatalog, parts};

/// Which objects of the catalogue's kept copy a statement names, by the catalogue's numbers for
/// them. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct KeptNames {
    named: Arc<Mutex<Named>>,
    /// The copy's database, where it is not the one that serves all.
    copy: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Named {
    objects: Vec<usize>,
    /// Something was named that shows definitions and is not kept.
    moving: bool,
}

impl KeptNames {
    /// Returns the objects that were named so far.
    pub fn named(&self) -> Vec<usize> {
        self.named.lock().objects.clone()
    }

    /// Points names at a copy of its own.
    pub fn of_copy(copy: &'static str) -> KeptNames {
        KeptNames { copy: Some(copy), ..KeptNames::default() }
    }

    /// Tells whether all that was named, and shows definitions, is in the copy.
    pub fn has_all(&self) -> bool {
        !self.named.lock().moving
    }

    /// Points the names of a rewritten statement at the copy, where it has them.
    pub(super) fn point(
        &self,
        statement: &mut Statement,
        catalog: &(dyn SystemCatalog + Send + Sync),
    ) {
        let ControlFlow::Continue(()) =
            statement.visit(&mut Pointer { catalog, names: self, named: &mut self.named.lock() });
    }
}

struct Pointer<'a> {
    catalog: &'a (dyn SystemCatalog + Send + Sync),
    names: &'a KeptNames,
    named: &'a mut Named,
}

impl Pointer<'_> {
    fn point(&mut self, name: &mut ObjectName) {
        let Some(written) = parts(name) else { return };
        let [SYSTEM_DATABASE, schema, object] = *written.as_slice() else { return };
        let Some((database, id)) = self.catalog.kept(schema, object) else {
            self.named.moving |= self.catalog.is_moving(schema, object);
            return;
        };
        if !self.named.objects.contains(&id) {
            self.named.objects.push(id);
        }
        let database = self.names.copy.unwrap_or(database);
        name.0[0] = ObjectNamePart::Identifier(Ident::new(database));
    }
}

impl VisitorMut for Pointer<'_> {
    type Break = Infallible;

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Infallible> {
        self.point(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Infallible> {
        if let TableFactor::Function { name, .. } = factor {
            self.point(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Expr::Function(function) = expr {
            self.point(&mut function.name);
        }
        ControlFlow::Continue(())
    }
}
