// The words of the pages in English and French. `one|many` is chosen by n.

const WORDS = {
  en: {
    wall: "Clusters", search: "Search", decisions: "Decisions", skip: "Skip to the content",
    help: "Keyboard", language: "Français", dark: "Dark or light", undo: "Undo", close: "Close",
    find_short: "Find a text", find: "Find in paths, metadata, labels", images: "{n} image|{n} images", files: "{n} file|{n} files",
    clusters: "{n} cluster|{n} clusters", links: "{n} link|{n} links",
    filters: "Filters", reset: "Clear all", sort: "Sort by", sort_size: "largest first",
    sort_quality: "least sure first", sort_first: "first seen", sort_newest: "newest", sort_undecided: "undecided first",
    size: "Files", from: "from", to: "to", quality: "Quality: linked pairs, %", any: "any",
    variant: "Variant", mirror: "mirrored", negative: "negative", "mirror-negative": "mirrored negative", plain: "plain",
    relation: "Relation", identical: "same file", same: "same picture", contained: "part of another", overlap: "a part in common",
    rel_same: "same picture", rel_contained: "part of it", rel_contains: "contains it", rel_overlap: "a part in common",
    decision: "Decision", undecided: "undecided", decided: "decided", checked: "checked", labelled: "with a label or note",
    label: "Label", note: "Note", figures: "Figures", take: "Take away", selected: "{n} selected",
    take_csv: "Table (CSV)", take_parquet: "Table (Parquet)", take_posts: "Your table with clusters (CSV)", take_gexf: "Graph (GEXF)", take_zip: "Images and contact sheet (ZIP)",
    merge: "Merge", merged: "Merged.", unselect: "Clear", page: "Page {n} of {m}", previous: "Previous", next: "Next",
    wall_hint: "A cluster holds the copies of one picture, whole or in part; its card shows the one that the others are most likely made from, and the share of its pairs of images that are linked.", nothing: "No cluster is like this.", no_clusters: "There is {n} image, and no copy of it.|None of the {n} images is a copy of another one.", nothing_hint: "Take a filter away, or clear all.",
    quality_of: "{n}% of the pairs are linked", sizes: "Clusters by number of files", by_confidence: "Links by confidence", over_time: "Posts over time",
    metadata: "Your table", metadata_add: "Add your table…", metadata_rows: "{n} row joined|{n} rows joined", metadata_unknown: "{n} without an image of the study",
    metadata_file: "CSV file", metadata_path: "Column of paths", metadata_date: "Column of dates", metadata_auto: "found by its name",
    metadata_hint: "A row for each post, with the path of its image: dates, filters and plots come from it. It stays on this machine, and is kept until the server stops.", join: "Join",
    cluster_title: "Cluster of {n} image|Cluster of {n} images", representative: "representative", through: "by another image",
    review: "Review links", graph: "Graph", mark_checked: "Mark as checked", is_checked: "Checked", thumb_size: "Size",
    group_by: "Group by", group_none: "nothing", group_relation: "relation", group_variant: "variant", group_date: "date", group_rest: "the rest", posted: "Posted", size_images: "Images", highest: "highest bar: {n}", cluster_of_files: "cluster of {n} file|cluster of {n} files",
    verdict: "Marked", verdict_undecided: "not by you", verdict_common: "as common", verdict_own: "as not common", kind: "Kind",
    keypoints: "{n} keypoint|{n} keypoints", shows: "What it shows", linked: "{n} linked image|{n} linked images", only_common_short: "shares what is common", about_image: "about this image", file_away: "The file is away.",
    rejected_still: "Rejected. Other links still hold both images in one cluster.", rejected_apart: "Rejected: the two images are in different clusters now.", trail_progress: "Image {n} of {m}",
    zoom_in: "Closer", zoom_out: "Farther", zoom_all: "All of it",
    edit_label: "Label and note", save: "Save", remove: "Remove from the cluster", removed: "Removed.", select_image: "Select {path}",
    covers: "{n}% of its area", more: "Show more", also_in: "also in", show_elements: "Outline elements",
    common_elements: "Common elements", elements_short: "Elements", common_count: "{n} thing that many unrelated images share|{n} things that many unrelated images share",
    common_hint: "Many unrelated images share these: an app's frame, an emoji, a logo. They link no clusters. If one is what you look for, mark it as not common: the images that show it mainly become a cluster.",
    no_elements: "Nothing is common to many unrelated images.", only_common: "What they share is common to many unrelated images: it links no clusters.",
    kind_frame: "Frame", kind_mark: "Mark", kind_picture: "Picture", kind_part: "Part", marked_common: "marked as common", marked_own: "marked as not common",
    was_common: "It counts as common.", was_uncommon: "It no longer counts as common.",
    common: "common", make_common: "Mark as common", make_uncommon: "Mark as not common", posts: "{n} post|{n} posts", timeline: "Posts over time",
    graph_hint: "A line is a link, orange if one of the two is mirrored or negative; the framed image is the representative. Drag to move, scroll to zoom, click an image to see its surest link.", graph_left: "{n} image not shown|{n} images not shown",
    proof: "Proof of a link", points: "{n} point agrees|{n} points agree", chance: "chance of that: 1 in {n}", same_bytes: "the same file, byte for byte",
    says_identical: "Nothing differs", says_same: "Both show the same picture", says_contained: "The first is a part of the second", says_contains: "The first contains the second", says_overlap: "They have a part in common",
    yours_contained: "Your picture is a part of it", yours_contains: "Your picture contains it", yours_first: "of your picture is in it", yours_second: "of it is in your picture",
    says_mirror: "one is mirrored", says_negative: "one is a negative", "says_mirror-negative": "one is a mirrored negative",
    confirm: "Confirm", reject: "Reject", confirmed: "confirmed", rejected: "rejected", take_back: "Take back",
    was_rejected: "Rejected: the images no longer count as linked.", was_confirmed: "Confirmed.",
    lines: "Lines", outlines: "Outline", overlay: "One laid onto the other", blend: "From the second to the first", blink: "Blink", difference: "Difference",
    m_first: "of the first is in the second", m_second: "of the second is in the first", m_agree: "of what is shared agrees", m_conflict: "of what is shared differs", m_confidence: "confidence",
    first_image: "First image", second_image: "Second image", open_file: "Open the file", in_cluster: "its cluster", no_cluster: "in no cluster",
    review_progress: "Least sure first: {n} of {m}", review_done: "All links of this cluster were looked at.", back_cluster: "Back to the cluster",
    drop: "Drop a picture here, paste one, or", choose: "choose a file", drop_hint: "It is compared with every image of the study. Nothing of it is kept.",
    searching: "Comparing with every image…", hits: "{n} image found|{n} images found", hits_shown: "the best {n}", no_hits: "No image of the study shows a part of it.", see_proof: "Proof", your_image: "Your picture",
    no_decisions: "Nothing was decided yet.", decisions_hint: "Confirm or reject a link in its proof, remove images from a cluster, merge clusters, label them: all that is listed here, and can be undone.", take_decisions: "Table (CSV)", undone: "Undone: {what}", taken_back: "Taken back.", nothing_undo: "There is nothing to undo.",
    d_link_confirmed: "Link confirmed", d_link_rejected: "Link rejected", d_link_: "Verdict taken back", d_together: "Clusters merged", d_apart: "Image removed from the cluster of",
    d_element_common: "Marked as common", d_element_own: "Marked as not common", d_checked: "Cluster checked", d_checked_: "Check taken back", d_label: "Label", d_label_: "Label taken away", d_note: "Note", d_note_: "Note taken away",
    d_together_: "Merging taken back", d_apart_: "Removal taken back", d_element_: "Mark taken back", decisions_shown: "The last {n}; the table has all.",
    key_enter: "Enter", key_space: "Space", key_esc: "Esc", k_arrows: "go to the next image, cluster or link", k_enter: "open it", k_space: "select it; blink in a proof", k_y: "confirm the link", k_n: "reject the link", k_u: "undo", k_slash: "find", k_help: "this list", k_esc: "close, or back",
    away: "The image files are not where they were: pictures are thumbnails. With --images, pimmi ui is told where they are now.",
    semicolon: "; ", error: "That didn't work: {text}", gone: "It is not there.", no_server: "pimmi ui doesn't answer. Is it still running?", server_failed: "pimmi ui failed; the window in which it runs says why.", preparing: "Preparing the file…", taken: "Saved where the browser keeps downloads.", unchecked: "No longer checked.", saved: "Saved.", zoom: "Thumbnail size",
  },
  fr: {
    wall: "Groupes", search: "Rechercher", decisions: "Décisions", skip: "Aller au contenu",
    help: "Clavier", language: "English", dark: "Sombre ou clair", undo: "Annuler", close: "Fermer",
    find_short: "Chercher un texte", find: "Chercher dans chemins, métadonnées, étiquettes", images: "{n} image|{n} images", files: "{n} fichier|{n} fichiers",
    clusters: "{n} groupe|{n} groupes", links: "{n} lien|{n} liens",
    filters: "Filtres", reset: "Tout effacer", sort: "Trier par", sort_size: "les plus grands d'abord",
    sort_quality: "les moins sûrs d'abord", sort_first: "première apparition", sort_newest: "les plus récents", sort_undecided: "à décider d'abord",
    size: "Fichiers", from: "de", to: "à", quality: "Qualité : paires liées, %", any: "indifférent",
    variant: "Variante", mirror: "en miroir", negative: "négatif", "mirror-negative": "négatif en miroir", plain: "telle quelle",
    relation: "Relation", identical: "même fichier", same: "même image", contained: "partie d'une autre", overlap: "une partie commune",
    rel_same: "même image", rel_contained: "en est une partie", rel_contains: "la contient", rel_overlap: "une partie commune",
    decision: "Décision", undecided: "à décider", decided: "décidé", checked: "vérifié", labelled: "avec étiquette ou note",
    label: "Étiquette", note: "Note", figures: "Graphiques", take: "Exporter", selected: "{n} sélectionné|{n} sélectionnés",
    take_csv: "Table (CSV)", take_parquet: "Table (Parquet)", take_posts: "Votre table avec les groupes (CSV)", take_gexf: "Graphe (GEXF)", take_zip: "Images et planche-contact (ZIP)",
    merge: "Réunir", merged: "Réunis.", unselect: "Effacer", page: "Page {n} sur {m}", previous: "Précédent", next: "Suivant",
    wall_hint: "Un groupe réunit les copies d'une même image, entières ou partielles ; sa carte montre celle dont les autres sont sans doute tirées, et la part de ses paires d'images qui sont liées.", nothing: "Aucun groupe ne correspond.", no_clusters: "Il y a {n} image, et aucune copie.|Aucune des {n} images n'est la copie d'une autre.", nothing_hint: "Retirez un filtre, ou effacez tout.",
    quality_of: "{n} % des paires sont liées", sizes: "Groupes par nombre de fichiers", by_confidence: "Liens par confiance", over_time: "Publications dans le temps",
    metadata: "Votre table", metadata_add: "Ajouter votre table…", metadata_rows: "{n} ligne jointe|{n} lignes jointes", metadata_unknown: "{n} sans image de l'étude",
    metadata_file: "Fichier CSV", metadata_path: "Colonne des chemins", metadata_date: "Colonne des dates", metadata_auto: "trouvée par son nom",
    metadata_hint: "Une ligne pour chaque publication, avec le chemin de son image : elle donne dates, filtres et graphiques. Elle reste sur cette machine, jusqu'à l'arrêt du serveur.", join: "Joindre",
    cluster_title: "Groupe de {n} image|Groupe de {n} images", representative: "représentante", through: "par une autre image",
    review: "Vérifier les liens", graph: "Graphe", mark_checked: "Marquer comme vérifié", is_checked: "Vérifié", thumb_size: "Taille",
    group_by: "Regrouper par", group_none: "rien", group_relation: "relation", group_variant: "variante", group_date: "date", group_rest: "le reste", posted: "Publié", size_images: "Images", highest: "barre la plus haute : {n}", cluster_of_files: "groupe de {n} fichier|groupe de {n} fichiers",
    verdict: "Marqué", verdict_undecided: "pas par vous", verdict_common: "comme commun", verdict_own: "comme non commun", kind: "Type",
    keypoints: "{n} point d'intérêt|{n} points d'intérêt", shows: "Ce qu'elle montre", linked: "{n} image liée|{n} images liées", only_common_short: "partage ce qui est commun", about_image: "sur cette image", file_away: "Le fichier n'est pas là.",
    rejected_still: "Rejeté. D'autres liens tiennent encore les deux images dans un même groupe.", rejected_apart: "Rejeté : les deux images sont maintenant dans des groupes différents.", trail_progress: "Image {n} sur {m}",
    zoom_in: "Plus près", zoom_out: "Plus loin", zoom_all: "Tout voir",
    edit_label: "Étiquette et note", save: "Enregistrer", remove: "Retirer du groupe", removed: "Retiré.", select_image: "Sélectionner {path}",
    covers: "{n} % de sa surface", more: "Afficher plus", also_in: "aussi dans", show_elements: "Entourer les éléments",
    common_elements: "Éléments communs", elements_short: "Éléments", common_count: "{n} élément que partagent beaucoup d'images sans rapport|{n} éléments que partagent beaucoup d'images sans rapport",
    common_hint: "Beaucoup d'images sans rapport les partagent : le cadre d'une application, un émoji, un logo. Ils ne lient aucun groupe. Si vous cherchez l'un d'eux, marquez-le comme non commun : les images qui le montrent surtout deviennent un groupe.",
    no_elements: "Rien n'est commun à beaucoup d'images sans rapport.", only_common: "Ce qu'elles partagent est commun à beaucoup d'images sans rapport : cela ne lie aucun groupe.",
    kind_frame: "Cadre", kind_mark: "Motif", kind_picture: "Image", kind_part: "Partie", marked_common: "marqué comme commun", marked_own: "marqué comme non commun",
    was_common: "Il compte comme commun.", was_uncommon: "Il ne compte plus comme commun.",
    common: "commun", make_common: "Marquer comme commun", make_uncommon: "Marquer comme non commun", posts: "{n} publication|{n} publications", timeline: "Publications dans le temps",
    graph_hint: "Un trait est un lien, orange si l'une des deux est en miroir ou en négatif ; l'image encadrée est la représentante. Glissez pour déplacer, faites défiler pour zoomer, cliquez sur une image pour voir son lien le plus sûr.", graph_left: "{n} image non affichée|{n} images non affichées",
    proof: "Preuve d'un lien", points: "{n} point concorde|{n} points concordent", chance: "par hasard : 1 chance sur {n}", same_bytes: "le même fichier, octet par octet",
    says_identical: "Rien ne les distingue", says_same: "Les deux montrent la même image", says_contained: "La première est une partie de la seconde", says_contains: "La première contient la seconde", says_overlap: "Elles ont une partie commune",
    yours_contained: "Votre image en est une partie", yours_contains: "Votre image la contient", yours_first: "de votre image est dans celle-ci", yours_second: "de celle-ci est dans votre image",
    says_mirror: "l'une est en miroir", says_negative: "l'une est un négatif", "says_mirror-negative": "l'une est un négatif en miroir",
    confirm: "Confirmer", reject: "Rejeter", confirmed: "confirmé", rejected: "rejeté", take_back: "Retirer la décision",
    was_rejected: "Rejeté : ces images ne comptent plus comme liées.", was_confirmed: "Confirmé.",
    lines: "Traits", outlines: "Contour", overlay: "L'une posée sur l'autre", blend: "De la seconde à la première", blink: "Clignoter", difference: "Différence",
    m_first: "de la première est dans la seconde", m_second: "de la seconde est dans la première", m_agree: "de ce qui est commun concorde", m_conflict: "de ce qui est commun diffère", m_confidence: "de confiance",
    first_image: "Première image", second_image: "Seconde image", open_file: "Ouvrir le fichier", in_cluster: "son groupe", no_cluster: "dans aucun groupe",
    review_progress: "Les moins sûrs d'abord : {n} sur {m}", review_done: "Tous les liens de ce groupe ont été vus.", back_cluster: "Retour au groupe",
    drop: "Déposez une image ici, collez-en une, ou", choose: "choisissez un fichier", drop_hint: "Elle est comparée à toutes les images de l'étude. Rien n'en est gardé.",
    searching: "Comparaison avec toutes les images…", hits: "{n} image trouvée|{n} images trouvées", hits_shown: "les {n} meilleures", no_hits: "Aucune image de l'étude n'en montre une partie.", see_proof: "Preuve", your_image: "Votre image",
    no_decisions: "Rien n'a encore été décidé.", decisions_hint: "Confirmer ou rejeter un lien dans sa preuve, retirer des images d'un groupe, réunir des groupes, leur donner une étiquette : tout cela est listé ici, et peut être annulé.", take_decisions: "Table (CSV)", undone: "Annulé : {what}", taken_back: "Décision retirée.", nothing_undo: "Il n'y a rien à annuler.",
    d_link_confirmed: "Lien confirmé", d_link_rejected: "Lien rejeté", d_link_: "Décision retirée", d_together: "Groupes réunis", d_apart: "Image retirée du groupe de",
    d_element_common: "Marqué comme commun", d_element_own: "Marqué comme non commun", d_checked: "Groupe vérifié", d_checked_: "Vérification retirée", d_label: "Étiquette", d_label_: "Étiquette retirée", d_note: "Note", d_note_: "Note retirée",
    d_together_: "Réunion retirée", d_apart_: "Retrait du groupe annulé", d_element_: "Marque retirée", decisions_shown: "Les {n} dernières ; la table les a toutes.",
    key_enter: "Entrée", key_space: "Espace", key_esc: "Échap", k_arrows: "aller à l'image, au groupe ou au lien suivant", k_enter: "ouvrir", k_space: "sélectionner ; clignoter dans une preuve", k_y: "confirmer le lien", k_n: "rejeter le lien", k_u: "annuler", k_slash: "chercher", k_help: "cette liste", k_esc: "fermer, ou revenir",
    away: "Les fichiers d'images ne sont plus à leur place : on voit des vignettes. L'option --images de pimmi ui dit où ils sont.",
    semicolon: " ; ", error: "Cela n'a pas marché : {text}", gone: "Ce n'est pas là.", no_server: "pimmi ui ne répond pas. Tourne-t-il encore ?", server_failed: "pimmi ui a échoué ; la fenêtre où il tourne dit pourquoi.", preparing: "Préparation du fichier…", taken: "Enregistré là où le navigateur met les téléchargements.", unchecked: "N'est plus vérifié.", saved: "Enregistré.", zoom: "Taille des vignettes",
  },
};

export let language = chosen();

function chosen() {
  let kept = null;
  try {
    kept = localStorage.getItem("pimmi-language");
  } catch {
    /* storage may be forbidden */
  }
  return kept ?? (navigator.language.startsWith("fr") ? "fr" : "en");
}

export function speak(wanted) {
  language = wanted;
  document.documentElement.lang = wanted;
  try {
    localStorage.setItem("pimmi-language", wanted);
  } catch {
    /* storage may be forbidden */
  }
}

export const number = (value) => new Intl.NumberFormat(language).format(value);
export const compact = (value) => new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
const UNITS = [["gigabyte", 1e9], ["megabyte", 1e6], ["kilobyte", 1e3], ["byte", 1]];
export function bytes(value) {
  const [unit, size] = UNITS.find(([, one]) => value >= one) ?? UNITS.at(-1);
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value / size);
}
export const percent = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);
const locale = () => (navigator.language.startsWith(language) ? navigator.language : language);
export const moment = (time) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
const days = () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeZone: "UTC" });
export const date = (day) => day && days().format(new Date(day));
export const dates = (first, last) => first && days().formatRange(new Date(first), new Date(last));

// The name of a bar: a day or a share as one writes it in the language of the page, anything else as it is.
export function named(label) {
  if (/^\d{4}-\d\d-\d\d$/.test(label)) return date(label);
  return /^0\.\d\d$/.test(label) ? new Intl.NumberFormat(language, { minimumFractionDigits: 2 }).format(label) : label;
}

export function t(key, values = {}) {
  const text = WORDS[language][key] ?? key;
  const forms = text.split("|");
  const many = language === "fr" ? values.n >= 2 : values.n !== 1;
  const form = forms.length > 1 && many ? forms[1] : forms[0];
  return form.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

// "1 in 10³⁶" for a score of 36; small ones in full.
export function chance(score) {
  if (score < 4) return number(Math.round(10 ** Math.max(score, 0)));
  return "10" + [...String(Math.round(score))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
}
