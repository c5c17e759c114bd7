"""Facts: the JSON that the page reads, by name, typed once. `digest` holds whatever the thresholds, `page` adds the map, `parts` lie beside."""
