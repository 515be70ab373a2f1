#include "statedir.h"
