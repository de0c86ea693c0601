-- A view over the source, with a description for itself and its columns.
select id, garden, weight, picked, quality, weight * 1000 as grams
from {{ source('raw', 'pickings') }}
