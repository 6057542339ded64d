"""Names and words that tasks are filled with. What is made of syllables has no end, so no name is learnt by heart."""

from __future__ import annotations

from models.world.words import words

FIRST = words("""\
Ada Agnes Ahmed Alba Alice Amina Anders Anita Anna Anton Arif Asha Astrid Bea Ben Bilal Birgit Boris Bruno Carla
Carlos Celia Chen Chloe Clara Daan Dana Daniel Daria David Dina Dora Edith Elena Elias Ella Emil Emma Erik Esra Eva
Farid Fatima Felix Finn Fiona Franz Freya Georg Gina Grace Greta Gus Hana Hans Hassan Heidi Helga Henri Hugo Ida Igor
Ines Ingrid Irene Isaac Ivan Jakob Jana Jarek Jasmin Joana Jonas Jorge Josef Judit Julia Jun Kai Karim Karl Katja
Kemal Kim Klara Lars Laura Leila Lena Leo Liam Lili Lin Linda Louis Lucia Luis Luka Maja Malik Marco Maria Marta Mateo
Max Mei Mia Milan Mina Mira Nadia Naomi Nico Nils Nina Noah Noor Nora Olga Omar Oscar Otto Pablo Paula Pavel Pedro
Petra Pia Rafael Raj Rania Rita Robert Rosa Ruben Ruth Sam Samir Sara Selma Sofia Stella Sven Tanja Tara Theo Tina Tom
Tomas Uma Vera Viktor Wanda Wei Xenia Yara Yasmin Yusuf Zara Zoe""")

LAST = words("""\
Abbot Adler Aydin Bach Baker Becker Bell Berg Bianchi Blum Brandt Brown Bruun Carter Castro Chan Cohen Costa Cruz Dahl
Demir Diaz Dubois Eco Eder Engel Evans Faber Falk Fischer Flores Fontana Ford Frank Garcia Gomez Graf Gray Gruber Haas
Hahn Hall Hansen Hart Hill Hoang Holm Horvat Huber Hughes Ito Jansen Jones Kaya Keller Khan Kim Klein Koch Kovac Kumar
Lang Larsen Lee Lind Lopez Lund Maier Marino Martin Mendez Meyer Miller Moreau Moser Murphy Nagy Nair Novak Nowak
Olsen Ortiz Osman Park Patel Perez Peters Petrov Popescu Quinn Rao Reed Rossi Roth Ruiz Sato Schmidt Shah Silva Simon
Singh Smith Sousa Stein Stone Strand Suzuki Tanaka Taylor Torres Varga Vega Vogel Wagner Walker Weber White Winter
Wolf Wong Wood Yang Yilmaz Young Zhang Ziegler""")

ONSETS = words("b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sh st t th tr v w y z")
VOWELS = words("a e i o u ai ea ia io ou")
CODAS = ("", "", "", *words("n r l s m t k nd rk st ng x"))

ARTICLES = """\
notebook, pencil, pen, ruler, stapler, envelope, stamp, folder, eraser, marker, calendar, globe, map, lamp, desk, chair,
scissors, brush, card, box, bag, candle, clock, mirror, basket, bottle, cup, plate, bowl, spoon, towel, blanket, pillow,
shirt, scarf, hat, glove, belt, umbrella, wallet, key ring, puzzle, board game, doll, kite, ball, drum, flute, book,
magazine, poster, frame, vase, flower pot, shovel, rake, hammer, saw, drill, screwdriver, nail, screw, rope, ladder, bucket,
broom, sponge, battery, cable, plug, charger, speaker, radio, camera, tripod, lens, printer, cartridge, keyboard, mouse,
screen, tablet, apple, pear, lemon, onion, carrot, loaf, cake, jar of honey, bottle of ink, box of nails, sheet of paper,
pack of cards, bag of flour, roll of tape, stick of chalk""".replace("\n", " ").split(", ")

ADJECTIVES = words("""\
red blue green black white grey brown yellow small large long short old new wooden plastic paper metal glass round
square flat heavy light thin thick soft hard cheap plain striped golden silver""")

TOWN_ENDINGS = words("ton ford by dale burg wick mouth field haven stad ville ham port bridge")

JOBS = words("""\
baker teacher nurse driver farmer painter gardener cook clerk lawyer doctor pilot tailor plumber singer writer waiter
dentist carpenter engineer librarian mechanic journalist architect""")

COLOURS = words("red blue green black white grey brown yellow purple orange pink")
ANIMALS = words("cat dog horse cow sheep goat hen duck fox owl mouse rabbit bear wolf swan bee")
FOODS = words("bread cheese soup rice pasta salad cake fish apple pear honey butter milk tea coffee jam")

FRUITS = words("apple banana orange pear grape cherry lemon plum peach mango")
VEGETABLES = words("carrot potato tomato onion cabbage pea bean spinach pepper leek")
SPORTS = words("football tennis swimming running basketball hockey cycling skiing golf boxing")
DRINKS = words("water tea coffee milk juice lemonade beer wine cocoa cola")
CITIES = words("London Paris Berlin Rome Madrid Vienna Tokyo Cairo Lisbon Athens")
LANDS = words("France Germany Italy Spain Poland Japan Brazil Canada Egypt India")
INSTRUMENTS = words("piano violin guitar flute drum trumpet cello harp clarinet organ")
TONGUES = words("English French German Spanish Italian Dutch Polish Greek Arabic Chinese")
TREES = words("oak pine birch maple beech willow elm ash fir cedar")
FLOWERS = words("rose tulip daisy lily violet sunflower daffodil poppy orchid carnation")
CLOTHES = words("shirt trousers jacket coat dress skirt sweater hat scarf socks")
TOOLS = words("hammer saw screwdriver drill pliers wrench axe file chisel spade")
VEHICLES = words("car bus train bicycle lorry tram motorbike plane ship van")
BIRDS = words("robin sparrow eagle owl crow pigeon swan gull parrot stork")
BODY = words("head arm leg hand foot nose ear eye mouth knee")
SUBJECTS = words("mathematics history geography biology chemistry physics music art English sport")
FISH = words("trout salmon cod tuna herring carp pike eel perch sardine")
INSECTS = words("ant bee fly wasp beetle butterfly moth mosquito cricket ladybird")
METALS = words("iron gold silver copper tin lead zinc nickel aluminium titanium")
PLANETS = words("Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune")
FURNITURE = words("table chair bed sofa desk shelf wardrobe stool bench cupboard")
ROOMS = words("kitchen bathroom bedroom hall cellar attic office pantry nursery library")
SHAPES = words("circle square triangle rectangle oval star cube sphere cone cylinder")
HOBBIES = words("reading painting gardening cooking fishing dancing singing hiking knitting chess")
DESSERTS = words("pudding pie cake custard jelly trifle brownie pancake sorbet mousse")
SPICES = words("salt pepper cinnamon ginger paprika cumin nutmeg saffron turmeric cloves")
FEELINGS = words("joy anger fear sadness surprise love pride shame envy hope")
"""The first ones of each are what a list names, so the order counts."""
