"""The sentences of the server in French: what was wrong, where, and what to do."""

from __future__ import annotations

SENTENCES = {
    "there is no such cluster": "ce groupe n'existe pas",
    "there is no such image in the study": "l'étude n'a pas cette image",
    "these two images are not linked": "ces deux images ne sont pas liées",
    "the file is away: is its drive connected?": "le fichier n'est pas là : son disque est-il branché ?",
    "the picture is too large: {limit} bytes at most": "l'image est trop grosse : {limit} octets au plus",
    "this is too large: {limit} MB at most": "c'est trop gros : {limit} Mo au plus",
    "say how long the request is (Content-Length)": "dites la longueur de la requête (Content-Length)",
    "{host} is not a name of this machine": "{host} n'est pas un nom de cette machine",
    "a page of another site can't change this study": "une page d'un autre site ne peut pas changer cette étude",
    "a page of another site can't read this study": "une page d'un autre site ne peut pas lire cette étude",
    "open the address with the token that pimmi ui printed": "ouvrez l'adresse avec le jeton que pimmi ui a affichée",
    "by is {value}: known are relation, variant, and, with a table, date and m.COLUMN": "by vaut {value} : "
    "relation et variant sont connus, et avec une table date et m.COLONNE",
    "{name} is {value}: known are {words}": "{name} vaut {value} : {words} sont connus",
    "{name} is {value}, which is no number": "{name} vaut {value}, qui n'est pas un nombre",
    "{name} is {value}, which is no date: write it as 2024-05-31": "{name} vaut {value}, qui n'est pas une date : "
    "écrivez-la comme 2024-05-31",
    "no row of the metadata has an image of the study: {column} holds {example}, for example": "aucune ligne de la "
    "table n'a d'image de l'étude : la colonne {column} contient par exemple {example}",
    "the metadata are not a table in CSV and UTF-8: {reason}": "ce n'est pas une table en CSV et UTF-8 : {reason}",
    "name the column that holds {what} by {option}: there are {columns}": "dites quelle colonne contient {what} : "
    "il y a {columns}",
    "the metadata have no column {name}: there are {columns}": "la table n'a pas de colonne {name} : "
    "il y a {columns}",
    "the column {name} holds no dates that pimmi reads: write them as 2024-05-31 or 2024-05-31T12:30:00": "la colonne "
    "{name} ne contient pas de dates que pimmi lise : écrivez-les comme 2024-05-31 ou 2024-05-31T12:30:00",
    "there is no table of posts to take away: add one first": "il n'y a pas de table de publications à emporter : "
    "ajoutez-en une d'abord",
    "{count} images are too many for an archive: choose clusters with {limit} at most": "{count} images sont trop pour "
    "une archive : choisissez des groupes qui en ont {limit} au plus",
    "another process is working on {study}: wait until it ends, or stop it": "un autre processus travaille sur "
    "{study} : attendez qu'il finisse, ou arrêtez-le",
    "the file system of {study} has no locks ({reason}): have it mounted with them, as Lustre is with -o flock, or put "
    "the study elsewhere": "le système de fichiers de {study} n'a pas de verrous ({reason}) : montez-le avec des "
    "verrous, comme Lustre avec -o flock, ou mettez l'étude ailleurs",
    "{study} has images that aren't compared yet: pimmi match {again}, and then group it": "{study} a des images qui "
    "ne sont pas encore comparées : pimmi match {again}, puis pimmi group",
    "{study} isn't grouped yet: {commands}, or pimmi run again": "{study} n'est pas encore groupée : {commands}, ou "
    "encore pimmi run",
    "{study} has files that aren't grouped yet: {commands}, or pimmi run again": "{study} a des fichiers qui ne sont "
    "pas encore groupés : {commands}, ou encore pimmi run",
    "{study} has another minimum confidence than when it was grouped: {commands}, or pimmi run again": "{study} a une "
    "autre confiance minimale que lors du regroupement : {commands}, ou encore pimmi run",
    "{path} is damaged or missing: copy the study again from where it is whole, or remake it": "{path} est abîmé ou "
    "manque : recopiez l'étude d'où elle est entière, ou refaites-la",
    "grouping failed, as {reason}: use a machine with more memory": "le regroupement a échoué ({reason}) : prenez une "
    "machine avec plus de mémoire",
    "the disk that holds {path} is full: free some space, or write elsewhere": "le disque de {path} est plein : "
    "libérez de la place, ou écrivez ailleurs",
    "{path} can't be written: {reason}": "{path} ne peut pas être écrit : {reason}",
    "{path} can't be used: {reason}": "{path} est inutilisable : {reason}",
    "empty file": "fichier vide",
    "not a regular file": "ce n'est pas un fichier ordinaire",
    "the file is no longer there": "le fichier n'est plus là",
    "no permission to read the file": "il n'est pas permis de lire le fichier",
    "the file can't be read: {reason}": "le fichier ne peut pas être lu : {reason}",
    "not an image: it looks like {what}": "ce n'est pas une image : cela ressemble à {what}",
    "an image without pixels: its width or height is zero": "une image sans pixels : sa largeur ou sa hauteur est zéro",
    "too large: {size} bytes, more than {setting} allows": "trop gros : {size} octets, plus que {setting} ne permet",
    "too large: a frame of too many pixels, more than {setting} allows": "trop grande : plus de pixels que {setting} "
    "ne permet",
    "too large: {size} pixels, more than {setting} allows": "trop grande : {size} pixels, plus que {setting} ne permet",
    "truncated {kind}: its data stop before the picture is complete": "{kind} tronqué : les données s'arrêtent avant "
    "la fin de l'image",
    "damaged {kind}: {reason}": "{kind} abîmé : {reason}",
    "not enough memory to decode this {kind}": "pas assez de mémoire pour décoder ce {kind}",
    "HEIC is read after: {command}": "pour lire HEIC : {command}",
    "{path} can't be read: {reason}": "{path} ne peut pas être lu : {reason}",
}  # fmt: skip
"""By the sentence in English. What is in braces is the same in both; of two that fit, the first one counts."""

WORDS = {
    "the path of the image": "le chemin de l'image",
    "nothing": "rien",
    "a PDF document": "un document PDF",
    "a ZIP archive or an office document": "une archive ZIP ou un document de bureau",
    "a gzip archive": "une archive gzip",
    "a 7z archive": "une archive 7z",
    "a RAR archive": "une archive RAR",
    "a Photoshop document": "un document Photoshop",
    "an icon file (.ico)": "une icône (.ico)",
    "a JPEG 2000 image": "une image JPEG 2000",
    "a JPEG XL image": "une image JPEG XL",
    "a Matroska or WebM video": "une vidéo Matroska ou WebM",
    "an MP3 recording": "un enregistrement MP3",
    "a Git LFS pointer in place of the file": "un pointeur Git LFS à la place du fichier",
    "a video (MP4 family)": "une vidéo (famille MP4)",
    "nothing but zero bytes": "rien que des octets nuls",
    "an SVG drawing": "un dessin SVG",
    "an HTML page": "une page HTML",
    "an XML document": "un document XML",
    "a JSON document": "un document JSON",
    "data of an unknown format": "des données d'un format inconnu",
    "a text": "un texte",
}
"""What may stand in the braces, where it is in English too."""
