// prefix_index
