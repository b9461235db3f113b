// The images of the cluster that was seen last, in their order, so that one goes from proof to proof.
let trail = { cluster: "", address: "", proofs: [] };

export const proofOf = (member, cluster) => `/links/${member.link.with}/${member.id}?in=${cluster}`;

export function leaveTrail(cluster, members) {
  const proofs = members.filter((member) => member.link).map((member) => proofOf(member, cluster));
  trail = { cluster, address: location.pathname + location.search, proofs };
}

// The proofs before and after the one at an address, and its place among them.
export function along(address) {
  const place = trail.proofs.indexOf(address);
  if (place < 0) return null;
  return { place, total: trail.proofs.length, before: trail.proofs[place - 1], next: trail.proofs[place + 1] };
}

// The address of a cluster as it was last seen.
export const clusterAddress = (id) => (trail.cluster === id ? trail.address : `/clusters/${id}`);
