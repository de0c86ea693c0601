-- Not built: a common table expression of the models that use it.
{{ config(materialized='ephemeral') }}
select id, weight from {{ source('raw', 'pickings') }} where quality = 'fine'
