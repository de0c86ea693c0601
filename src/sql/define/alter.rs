//! ALTER TABLE to its actions.

use sqlparser::ast::{
    self, AlterColumnOperation as Column, AlterTableOperation as Operation, TableConstraint,
};

use super::create::{
    column_shape, columns_in, declared, foreign_key, sequence_use, table_constraint, take_extras,
    text_limit,
};
use super::sequence::SequenceSpec;
use super::shape::{ColumnSequence, ConstraintKind};
use super::{Definition, TableAction};
use crate::error::{Error, Result};
use crate::sql::rewrite::{self, NameContext};
use crate::sql::statement::TableRef;

/// Takes an ALTER TABLE apart, rewritten for DuckDB.
pub(in crate::sql) fn alter_table(
    alter: &ast::AlterTable,
    names: &NameContext,
) -> Result<Definition> {
    let table = TableRef::from_object_name(&alter.name)?;
    let mut actions = Vec::new();
    for operation in &alter.operations {
        let one = One { alter, operation, names };
        actions.extend(one.actions()?);
    }
    Ok(Definition::AlterTable {
        table: table.candidates(&names.search_path).collect(),
        if_exists: alter.if_exists,
        actions,
    })
}

/// One operation of the statement.
struct One<'a> {
    alter: &'a ast::AlterTable,
    operation: &'a Operation,
    names: &'a NameContext,
}

impl One<'_> {
    /// Rewrites one operation for DuckDB: types and expressions.
    fn rewritten(&self, operation: Operation) -> Result<Operation> {
        let mut alter = self.alter.clone();
        alter.operations = vec![operation];
        let mut tree = ast::Statement::AlterTable(alter);
        rewrite::for_duckdb(&mut tree, self.names)?;
        match tree {
            ast::Statement::AlterTable(mut alter) if alter.operations.len() == 1 => {
                Ok(alter.operations.remove(0))
            }
            _ => Err(Error::internal("an ALTER TABLE became something else")),
        }
    }

    fn actions(&self) -> Result<Vec<TableAction>> {
        let behavior =
            |drop: &Option<ast::DropBehavior>| matches!(drop, Some(ast::DropBehavior::Cascade));
        Ok(vec![match self.operation {
            Operation::AddColumn { if_not_exists, .. } => self.add_column(*if_not_exists)?,
            Operation::DropColumn { column_names, if_exists, drop_behavior, .. } => {
                return Ok(column_names
                    .iter()
                    .map(|name| TableAction::DropColumn {
                        name: name.value.clone(),
                        if_exists: *if_exists,
                        cascade: behavior(drop_behavior),
                    })
                    .collect());
            }
            Operation::AlterColumn { column_name, op } => {
                self.alter_column(&column_name.value, op)?
            }
            Operation::AddConstraint { .. } => self.add_constraint()?,
            Operation::DropConstraint { if_exists, name, drop_behavior } => {
                TableAction::DropConstraint {
                    name: name.value.clone(),
                    if_exists: *if_exists,
                    cascade: behavior(drop_behavior),
                }
            }
            Operation::RenameColumn { old_column_name, new_column_name } => {
                TableAction::RenameColumn {
                    from: old_column_name.value.clone(),
                    to: new_column_name.value.clone(),
                }
            }
            Operation::RenameTable {
                table_name: ast::RenameTableNameKind::To(name) | ast::RenameTableNameKind::As(name),
            } => TableAction::RenameTable { to: TableRef::from_object_name(name)?.table },
            Operation::RenameConstraint { old_name, new_name } => TableAction::RenameConstraint {
                from: old_name.value.clone(),
                to: new_name.value.clone(),
            },
            Operation::ValidateConstraint { name } => {
                TableAction::ValidateConstraint { name: name.value.clone() }
            }
            // All roles own everything; nothing replicates. Triggers are read before the parser.
            Operation::OwnerTo { .. }
            | Operation::ReplicaIdentity { .. }
            | Operation::EnableTrigger { .. }
            | Operation::DisableTrigger { .. }
            | Operation::SetOptionsParens { .. } => return Ok(Vec::new()),
            other => {
                return Err(Error::unsupported(format!("ALTER TABLE … {other} is not supported")));
            }
        }])
    }

    fn add_column(&self, if_not_exists: bool) -> Result<TableAction> {
        let mut operation = self.operation.clone();
        let Operation::AddColumn { column_def, .. } = &mut operation else {
            return Err(Error::internal("not an ADD COLUMN"));
        };
        let extras = take_extras(column_def, self.names)?;
        let known = [column_def.name.value.clone()];
        let fill = column_def.options.iter().find_map(|option| match &option.option {
            ast::ColumnOption::Default(expr) => rewrite::fixed(expr, self.names),
            _ => None,
        });
        let Operation::AddColumn { column_def, .. } = self.rewritten(operation)? else {
            return Err(Error::internal("not an ADD COLUMN"));
        };
        let (column, constraints) = column_shape(&column_def, extras, &known)?;
        Ok(TableAction::AddColumn { column, constraints, if_not_exists, fill })
    }

    fn alter_column(&self, name: &str, op: &Column) -> Result<TableAction> {
        let column = name.to_owned();
        Ok(match op {
            Column::SetNotNull => TableAction::SetNotNull { column, not_null: true },
            Column::DropNotNull => TableAction::SetNotNull { column, not_null: false },
            Column::DropDefault => {
                TableAction::SetDefault { column, default: None, sequence: None }
            }
            Column::SetDefault { value } => {
                let sequence = sequence_use(value, self.names);
                match self.rewritten(self.operation.clone())? {
                    Operation::AlterColumn { op: Column::SetDefault { value }, .. } => {
                        TableAction::SetDefault {
                            column,
                            default: Some(value.to_string()),
                            sequence,
                        }
                    }
                    _ => return Err(Error::internal("not a SET DEFAULT")),
                }
            }
            Column::SetDataType { data_type, .. } => {
                let limit = text_limit(data_type);
                let declared = declared(data_type);
                match self.rewritten(self.operation.clone())? {
                    Operation::AlterColumn {
                        op: Column::SetDataType { data_type, using, .. },
                        ..
                    } => TableAction::SetType {
                        column,
                        data_type: data_type.to_string(),
                        limit,
                        declared,
                        using: using.map(|using| using.to_string()),
                    },
                    _ => return Err(Error::internal("not a SET DATA TYPE")),
                }
            }
            Column::AddGenerated { generated_as, sequence_options } => {
                let spec = SequenceSpec::from_options(sequence_options.as_deref())?;
                let kind =
                    if matches!(generated_as, Some(ast::GeneratedAs::ByDefault)) { 1 } else { 2 };
                let sequence = ColumnSequence { kind, spec };
                TableAction::AddIdentity { column, sequence }
            }
        })
    }

    fn add_constraint(&self) -> Result<TableAction> {
        if let Operation::AddConstraint {
            constraint: TableConstraint::ForeignKey(key),
            not_valid,
        } = self.operation
        {
            let constraint = foreign_key(key, *not_valid, self.names)?;
            return Ok(TableAction::AddConstraint { constraint });
        }
        let mut columns = Vec::new();
        if let Operation::AddConstraint { constraint: TableConstraint::Check(check), .. } =
            self.operation
        {
            columns = columns_in_any(&check.expr);
        }
        let Operation::AddConstraint { constraint, .. } = self.rewritten(self.operation.clone())?
        else {
            return Err(Error::internal("not an ADD CONSTRAINT"));
        };
        let mut constraint = table_constraint(&constraint)?;
        if constraint.kind == ConstraintKind::Check {
            constraint.columns = columns;
        }
        Ok(TableAction::AddConstraint { constraint })
    }
}

/// Lists the plain names in an expression.
fn columns_in_any(expr: &ast::Expr) -> Vec<String> {
    let mut known = Vec::new();
    let _: std::ops::ControlFlow<()> = ast::visit_expressions(expr, |expr| {
        if let ast::Expr::Identifier(ident) = expr {
            known.push(ident.value.clone());
        }
        std::ops::ControlFlow::Continue(())
    });
    columns_in(expr, &known)
}
