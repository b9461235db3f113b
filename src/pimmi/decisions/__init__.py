"""What a person decided about links, clusters and images: kept in `decisions.sqlite`, and applied when grouping.

A decision names images by their ids, which are their content. So it holds whatever the images are called, in
whatever study they come again, and however the clusters are numbered.
"""
