"""General knowledge as questions with one right answer and three wrong ones.

Each has several wordings; the last of them is kept for the evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    wordings: tuple[str, ...]
    answer: str
    wrong: tuple[str, str, str]


def _fact(row: str) -> Fact:
    wordings, answer, wrong = row.split(" = ")
    one, two, three = wrong.split("; ")
    return Fact(tuple(wordings.split(" / ")), answer, (one, two, three))


_TABLE = """\
Which gas do plants take in to make sugar? / What do leaves take out of the air for photosynthesis? / Plants build sugar from water and which gas? = Carbon dioxide = Oxygen; Nitrogen; Hydrogen
Which gas do plants give off in sunlight? / What gas do green leaves release by day? / Photosynthesis sets which gas free? = Oxygen = Carbon dioxide; Nitrogen; Helium
Which gas is most of the air? / What is the main gas of the atmosphere? / Air consists mostly of which gas? = Nitrogen = Oxygen; Carbon dioxide; Argon
Where does water boil at a lower temperature, by the sea or on a mountain? / Where does water boil below 100 degrees Celsius? / In which place is the boiling point of water lower? = On a mountain = By the sea; In a mine; Nowhere
How large is the sum of the angles of a triangle? / What do the angles of a triangle add up to? / The three angles of a triangle make how many degrees together? = 180 degrees = 90 degrees; 270 degrees; 360 degrees
How large is the sum of the angles of a rectangle? / What do the four angles of a square add up to? / The angles of a figure with four sides make how many degrees together? = 360 degrees = 180 degrees; 270 degrees; 540 degrees
What holds the genes of a cell? / Where in a cell is its DNA kept? / Which part of the cell has the genetic material? = The nucleus = The membrane; The vacuole; The cell wall
What surrounds a cell? / Which part of a cell decides what enters it? / What is the thin skin of a cell called? = The membrane = The nucleus; The vacuole; The ribosome
How likely is one head when a fair coin is thrown once? / What is the chance of heads for a fair coin? / A coin shows heads how often on average? = 1 in 2 = 1 in 3; 1 in 4; 1 in 8
How likely are two heads when a coin is thrown twice? / What is the chance of heads two times in a row? / Two coins both show heads how often? = 1 in 4 = 1 in 2; 1 in 3; 1 in 8
How likely are three heads in a row? / What is the chance of heads in all of three throws? / Three coins all show heads how often? = 1 in 8 = 1 in 3; 1 in 4; 1 in 6
How likely is a six with one fair die? / What is the chance of throwing a six? / A die shows six how often on average? = 1 in 6 = 1 in 2; 1 in 3; 1 in 12
Why does the sky look blue? / What makes the sky blue by day? / What is the reason for the blue of the sky? = Air scatters short waves of light more than long ones = It mirrors the sea; Ozone glows blue; The Sun is blue
Which animal is a mammal that can fly? / What is the only mammal that flies? / Which flying animal gives milk to its young? = A bat = A penguin; An eagle; A bee
Which of these is a mammal: a whale, a shark, a trout, a squid? / Which animal of the sea is a mammal? / What large animal of the sea gives milk to its young? = A whale = A shark; A trout; A squid
Which bird cannot fly but swims well? / What bird lives on the ice and dives for fish? / Which bird uses its wings to swim? = A penguin = A swallow; An eagle; A bat
What does a catalyst do? / What is the effect of a catalyst? / What happens to a reaction through a catalyst? = It makes a reaction faster and is not used up = It makes a reaction slower; It cools a reaction down; It stops a reaction
Which metal is liquid at room temperature? / What metal flows at 20 degrees Celsius? / Which metal was used in old thermometers? = Mercury = Lead; Tin; Zinc
Which metal is attracted by a magnet? / What metal does a magnet pull? / Which of the common metals is magnetic? = Iron = Copper; Lead; Gold
How long does light take from the Sun to us? / After what time does sunlight arrive here? / Sunlight is how old when it comes to the Earth? = About eight minutes = About a second; About eight seconds; About eight hours
What is the derivative of x squared? / What do you get when you differentiate x squared? / The slope of x squared is what? = 2x = x; 2; x cubed
What is the derivative of x cubed? / What do you get when you differentiate x cubed? / The slope of x cubed is what? = 3x squared = 2x; 3x; x squared
What causes the tides? / What pulls the water of the sea up and down? / The tides are due to what? = The pull of the Moon = The wind; The rivers; The heat of the day
What carries oxygen in the blood? / Which cells bring oxygen to the muscles? / In blood, oxygen is carried by what? = Red blood cells = White blood cells; Platelets; Nerve cells
What fights germs in the blood? / Which cells defend the body against infection? / In blood, germs are fought by what? = White blood cells = Red blood cells; Platelets; Nerve cells
What keeps the Moon near the Earth? / Which force makes things fall? / What force holds the planets near the Sun? = Gravity = Magnetism; Friction; The solar wind
Which planet is nearest to the Sun? / What is the first planet from the Sun? / Which planet goes round the Sun in the shortest time? = Mercury = Venus; Mars; Earth
Which planet is the largest? / What is the biggest planet of the solar system? / No planet is larger than which one? = Jupiter = Saturn; Neptune; Earth
Which planet is known for its rings? / What planet has the brightest rings? / Wide rings go round which planet? = Saturn = Mars; Venus; Mercury
Which planet is called the red planet? / What planet looks red? / Red dust covers which planet? = Mars = Venus; Jupiter; Neptune
What is the star nearest to the Earth? / Which star gives us light by day? / The nearest star is called what? = The Sun = The Moon; Sirius; The North Star
What goes round the Earth? / What lights the night and has phases? / The Earth has which companion? = The Moon = The Sun; Mars; Venus
Which is the largest ocean? / What is the biggest ocean on Earth? / No ocean is larger than which one? = The Pacific = The Atlantic; The Indian Ocean; The Arctic Ocean
Which is the second largest ocean? / What ocean comes second in size? / After the Pacific, which ocean is the largest? = The Atlantic = The Pacific; The Indian Ocean; The Arctic Ocean
Which is the smallest ocean? / What ocean lies round the North Pole? / No ocean is smaller than which one? = The Arctic Ocean = The Pacific; The Atlantic; The Indian Ocean
Which is the highest mountain? / What is the highest mountain on Earth? / No mountain is higher than which one? = Mount Everest = Mont Blanc; Kilimanjaro; Denali
Which is the largest continent? / What is the biggest continent? / No continent is larger than which one? = Asia = Africa; Europe; Oceania
Which is the largest hot desert? / What great desert lies in the north of Africa? / Which desert is south of Algeria and Libya? = The Sahara = The Gobi; The Namib; The Atacama
Which sea is between Norway and Scotland? / What is the sea east of Scotland called? / Norway and Scotland are on which sea? = The North Sea = The Baltic Sea; The Black Sea; The Red Sea
Which sea is between Europe and Africa? / What is the sea south of Italy called? / Greece and Egypt are on which sea? = The Mediterranean = The North Sea; The Baltic Sea; The Red Sea
On which river is Lisbon? / What river flows through Lisbon? / Lisbon is on which river? = The Tagus = The Rhine; The Seine; The Danube
On which river is Paris? / What river flows through Paris? / Paris is on which river? = The Seine = The Rhine; The Thames; The Danube
On which river is London? / What river flows through London? / London is on which river? = The Thames = The Seine; The Rhine; The Danube
On which river is Vienna? / What river flows through Vienna and Budapest? / Budapest is on which river? = The Danube = The Rhine; The Seine; The Thames
On which river is Cairo? / What river flows through Egypt? / Cairo is on which river? = The Nile = The Congo; The Niger; The Tagus
Which country is east of Portugal? / What country has a border with Portugal? / Portugal's only neighbour is which country? = Spain = France; Morocco; Italy
Into which ocean does the Tagus flow? / Which ocean is west of Portugal? / Lisbon is on the coast of which ocean? = The Atlantic = The Pacific; The Indian Ocean; The Arctic Ocean
What is ice made of? / What does ice become when it melts? / Snow and ice are frozen what? = Water = Air; Salt; Oil
At what temperature does water freeze? / When does water become ice? / Water turns to ice at which temperature? = 0 degrees Celsius = 10 degrees Celsius; 50 degrees Celsius; 100 degrees Celsius
At what temperature does water boil by the sea? / When does water boil? / Water turns to steam at which temperature? = 100 degrees Celsius = 0 degrees Celsius; 50 degrees Celsius; 200 degrees Celsius
What do bees make? / Which sweet food comes from bees? / A hive is full of what? = Honey = Milk; Silk; Salt
What pumps the blood? / Which organ keeps the blood moving? / Blood is moved by which organ? = The heart = The liver; The lungs; The stomach
What do we breathe with? / Which organs take oxygen from the air? / Air goes into which organs? = The lungs = The heart; The liver; The kidneys
How many legs does a spider have? / What is the number of a spider's legs? / A spider walks on how many legs? = 8 = 4; 6; 10
How many legs does an insect have? / What is the number of an ant's legs? / A beetle walks on how many legs? = 6 = 4; 8; 10
How many sides does a hexagon have? / What is the number of corners of a hexagon? / A hexagon has how many corners? = 6 = 5; 7; 8
How many continents are there? / What is the number of continents? / The Earth has how many continents? = 7 = 5; 6; 9
Which of these numbers is prime: 9, 11, 12, 15? / What prime number comes after 7? / Which number between 9 and 12 is prime? = 11 = 9; 12; 15
What is the square root of 81? / Which number times itself is 81? / 81 is the square of which number? = 9 = 8; 7; 27
What does iron do in rain and air? / What is a chemical change of iron? / What happens to iron in wet air? = It rusts = It melts; It boils; It freezes
Who wrote Hamlet? / Which author wrote Romeo and Juliet? / Hamlet is a play by whom? = Shakespeare = Goethe; Dante; Homer
Who wrote the Odyssey? / Which poet told of Odysseus? / The Odyssey is by whom? = Homer = Dante; Shakespeare; Goethe
Which instrument has black and white keys? / What do you play with keys and pedals? / Which instrument does a pianist play? = The piano = The violin; The flute; The drum
Which colour do blue and yellow make? / What do you get from blue and yellow paint? / Mixing blue and yellow gives which colour? = Green = Purple; Orange; Brown
Which colour do red and yellow make? / What do you get from red and yellow paint? / Mixing red and yellow gives which colour? = Orange = Purple; Green; Brown
When do gardeners sow peas? / What month is good for sowing peas? / Peas go into the ground in which month? = In March = In August; In October; In December
When are peas picked? / What month is good for picking peas? / Peas are ready in which month? = In June = In January; In March; In November
How deep are peas sown? / What depth do peas want? / Peas lie how deep in the soil? = 5 centimetres = 50 centimetres; 1 metre; 30 centimetres
How far apart are peas sown? / What distance do peas want? / Between two peas there is how much room? = 6 centimetres = 60 centimetres; 1 metre; 2 metres
What is compost made of? / What goes on a compost heap? / A heap of compost consists of what? = Leaves, peelings and cut grass = Stones and sand; Glass and metal; Plastic
Why does little grow under a walnut tree? / What keeps plants away from a walnut? / A walnut does what to its neighbours? = Its leaves hold a poison for other plants = It drinks all the rain; It is too old; It has no roots
What do plants need to grow? / Without what does a plant die? / A plant lives on what? = Light and water = Salt and oil; Milk; Sand
Which season comes after spring? / What season is the warmest? / Spring is followed by which season? = Summer = Winter; Autumn; Spring
Which season comes before spring? / What season is the coldest? / Spring follows which season? = Winter = Summer; Autumn; Spring
Where does the Sun rise? / On which side does the day begin? / The Sun comes up in which direction? = In the east = In the west; In the north; In the south
Where does the Sun set? / On which side does the day end? / The Sun goes down in which direction? = In the west = In the east; In the north; In the south
"""

FACTS = tuple(map(_fact, _TABLE.splitlines()))
