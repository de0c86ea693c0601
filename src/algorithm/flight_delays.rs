//! `flight_delays`: how much of the airlines' delays came with the aircraft. Over the flights of
//! the demo.
//!
//! A departure's delay is *inherited* as far as the same aircraft had arrived late with its flight
//! before on that day: the smaller of the two delays. The rest is its *own*. Departures ahead of
//! time count as zero.

use polars::prelude::*;

use super::{Algorithm, Arguments, Input, Role, RoleKind, Shape, Step};
use crate::error::Result;
use crate::types::{Column as PgColumn, PgType};

pub(super) struct FlightDelays;

impl Algorithm for FlightDelays {
    fn name(&self) -> &'static str {
        "flight_delays"
    }

    fn about(&self) -> &'static str {
        "Tells for each airline how many minutes of delay came with a late aircraft, and how many did not."
    }

    fn inputs(&self) -> &'static [Input] {
        const WHOLE: RoleKind = RoleKind::Integer;
        &[Input {
            name: "input",
            roles: &[
                Role { name: "year", kind: WHOLE, optional: false },
                Role { name: "month", kind: WHOLE, optional: false },
                Role { name: "day", kind: WHOLE, optional: false },
                Role { name: "sched_dep_time", kind: WHOLE, optional: false },
                Role { name: "dep_delay", kind: RoleKind::Number, optional: false },
                Role { name: "arr_delay", kind: RoleKind::Number, optional: false },
                Role { name: "carrier", kind: RoleKind::Key, optional: false },
                Role { name: "tailnum", kind: RoleKind::Key, optional: false },
            ],
        }]
    }

    fn params(&self) -> &'static [super::Param] {
        &[]
    }

    fn columns(&self, inputs: &[Shape]) -> Vec<PgColumn> {
        let carrier = inputs.first().map_or(PgType::TEXT, |input| input.pg_type("carrier"));
        vec![
            PgColumn::new("carrier", carrier),
            PgColumn::new("flights", PgType::INT8),
            PgColumn::new("delay_minutes", PgType::FLOAT8),
            PgColumn::new("inherited_minutes", PgType::FLOAT8),
            PgColumn::new("own_minutes", PgType::FLOAT8),
            PgColumn::new("inherited_share", PgType::FLOAT8),
        ]
    }

    fn steps(&self, _: &Arguments) -> Result<Vec<Step>> {
        let departed = Step::new("departed", |flights, _| {
            Ok(flights.filter(col("dep_delay").is_not_null().and(col("tailnum").is_not_null())))
        });
        let chain = Step::new("chain", |flights, _| {
            let order = ["tailnum", "year", "month", "day", "sched_dep_time"];
            let options = SortMultipleOptions::default().with_maintain_order(true);
            let same_day = [col("tailnum"), col("year"), col("month"), col("day")];
            let before = col("arr_delay").shift(lit(1)).over(same_day)?;
            Ok(flights.sort(order, options).with_column(before.alias("brought")))
        });
        let split = Step::new("split", |flights, _| {
            let late = |expr: Expr| when(expr.clone().gt(lit(0.0))).then(expr).otherwise(lit(0.0));
            let flights = flights.with_columns([
                late(col("dep_delay")).alias("delay"),
                late(col("brought").fill_null(lit(0.0))).alias("brought"),
            ]);
            let inherited =
                when(col("brought").lt(col("delay"))).then(col("brought")).otherwise(col("delay"));
            Ok(flights.with_column(inherited.alias("inherited")))
        });
        let by_airline = Step::new("by_airline", |flights, _| {
            let airlines = flights.group_by_stable([col("carrier")]).agg([
                len().cast(DataType::Int64).alias("flights"),
                col("delay").sum().alias("delay_minutes"),
                col("inherited").sum().alias("inherited_minutes"),
                (col("delay") - col("inherited")).sum().alias("own_minutes"),
            ]);
            let share = when(col("delay_minutes").gt(lit(0.0)))
                .then(col("inherited_minutes") / col("delay_minutes"))
                .otherwise(lit(NULL));
            Ok(airlines
                .with_column(share.alias("inherited_share"))
                .sort(["carrier"], SortMultipleOptions::default()))
        });
        Ok(vec![departed, chain, split, by_airline])
    }
}
