"""Names of rivers, mountains and sights; without those that `examples/react.py` has something to say of."""

from __future__ import annotations

from models.world.words import lines, words

RIVERS = (
    *words("""\
Seine Loire Elbe Oder Po Tiber Ebro Tagus Don Dnieper Dniester Ganges Indus Mekong Yangtze Congo Niger Zambezi Amazon
Mississippi Missouri Colorado Yukon Orinoco Parana Ob Lena Amur Euphrates Tigris Jordan Vistula Moselle Main
Neckar Inn Drava Sava Rhone Garonne Severn Tweed Shannon Douro Limpopo Orange Senegal Murray Darling Irrawaddy Salween"""),
    *lines("""\
Rio Grande
Yellow River
Hudson River
White Nile
Blue Nile
Saint Lawrence"""),
)
MOUNTAINS = lines("""\
Everest
Matterhorn
Elbrus
Fuji
Etna
Vesuvius
Olympus
Aconcagua
Makalu
Lhotse
Annapurna
Ararat
Teide
Zugspitze
Snowdon
Eiger
Jungfrau
Triglav
Mulhacen
Popocatepetl
Chimborazo
Cotopaxi
Mount Kenya
Mount Cook
Mount Rainier
Mount Whitney
Mount Logan
Mount Elbert
Table Mountain
Monte Rosa
Pico Bolivar
Piz Bernina
Nanga Parbat
Grossglockner
Gerlach""")
SIGHTS = lines("""\
Empire State Building
Chrysler Building
Cologne Cathedral
Golden Gate Bridge
Tower Bridge
Colosseum
Taj Mahal
Brandenburg Gate
Space Needle
Tokyo Tower
Tokyo Skytree
Shanghai Tower
Taipei Tower
Petronas Tower
Willis Tower
Shard
Parthenon
Pantheon
Acropolis
Louvre
Kremlin
White House
Sears Tower
London Eye
Washington Monument
Gateway Arch
Opera House
Berlin Tower
Euromast
Atomium
Hagia Sophia
Blue Mosque
Red Fort
Forbidden City""")
