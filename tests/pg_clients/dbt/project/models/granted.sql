-- A view that another role may read.
{{ config(grants={'select': [env_var('TEA_DBT_ROLE')]}) }}
select id from {{ source('raw', 'pickings') }}
