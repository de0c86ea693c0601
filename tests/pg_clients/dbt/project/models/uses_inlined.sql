-- A view over the ephemeral model.
select count(*) as n, sum(weight) as weight from {{ ref('only_inlined') }}
